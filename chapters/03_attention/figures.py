"""The figures of chapter 03; docs/draw.py 3 draws them."""

import matplotlib.pyplot as plt

from draw import BLUE


def draw(data, save):
    figure, axes = plt.subplots(figsize=(4, 2.4))
    axes.bar(range(3), data["softmax"][0]["weights"], color=BLUE)
    axes.set_xlabel("key")
    axes.set_ylabel("weight")
    save("softmax", figure)
