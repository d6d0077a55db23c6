"""The figures of chapter 05; docs/draw.py 5 draws them."""

import math

import matplotlib.pyplot as plt

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE, RED


def temperature(data, save):
    tokens = data["tokens"]
    figure, panels = plt.subplots(1, 3, figsize=(7.2, 3), sharey=True)
    places = range(len(tokens))
    for panel, axes in enumerate(panels):
        values = [token["probabilities"][panel] for token in tokens]
        axes.barh(places, values, color=[ORANGE, BLUE, GREEN][panel])
        for place, value in zip(places, values):
            axes.text(value + 0.004, place, f"{value:.3f}", va="center", fontsize=8)
        axes.set_xlim(0, 0.29)
        axes.set_title(f"T = {data['temperatures'][panel]:g}", fontsize=11)
        axes.set_xlabel("probability")
    panels[0].set_yticks(places, [token["token"] for token in tokens], fontsize=9)
    panels[0].invert_yaxis()
    save("temperature", figure)


def truncation(data, save):
    rules = {entry["rule"]: entry for entry in data if entry["temperature"] == 1}
    before = rules.pop("no rule")["probabilities"]
    figure, panels = plt.subplots(1, 3, figsize=(7.2, 2.6), sharey=True)
    for axes, (name, entry) in zip(panels, rules.items()):
        places = range(1, len(before) + 1)
        axes.bar(places, entry["probabilities"], width=0.9, color=BLUE, label="after")
        axes.bar(places, before, width=0.45, color=ORANGE, label="before")
        axes.set_title(f"{name}: {entry['kept']} kept", fontsize=10)
        axes.set_xlabel("rank of the token")
    panels[0].set_ylabel("probability")
    panels[0].legend(fontsize=9)
    save("truncation", figure)


def penalty(data, save):
    figure, axes = plt.subplots(figsize=(5.6, 2.8))
    places = list(range(len(data)))
    for shift, side, color, label in ((-0.2, 0, ORANGE, "before"), (0.2, 1, BLUE, "after penalty 1.3")):
        axes.bar([place + shift for place in places], [entry["probability"][side] for entry in data], width=0.4,
                 color=color, label=label)
    names = [entry["token"] + (f"\n× {entry['times']}" if entry["times"] else "") for entry in data]
    axes.set_xticks(places, names, fontsize=9)
    axes.set_ylabel("probability")
    axes.legend(fontsize=9)
    save("penalty", figure)


def chi_square(data, save):
    degrees, statistics = data["degrees"], data["statistics"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.9))
    left.hist(statistics, bins=range(31), density=True, color=BLUE, alpha=0.6)
    xs = [i / 10 for i in range(1, 301)]
    half = degrees / 2
    left.plot(xs, [x ** (half - 1) * math.exp(-x / 2) / (2 ** half * math.gamma(half)) for x in xs], color=ORANGE)
    left.axvline(14.07, color=RED, linestyle="--", linewidth=1)
    left.text(14.5, 0.10, "5 % of right\nsamplers are\nto the right", fontsize=8, color=RED)
    left.set_xlabel("chi-square of a right sampler")
    left.set_ylabel("density")
    sizes = [1e3, 1e4, 1e5]
    for sampler, color in zip(data["samplers"], (BLUE, ORANGE, PURPLE)):
        right.loglog(sizes, sampler["statistics"], "o-", color=color, label=sampler["name"])
    right.axhline(14.07, color=RED, linestyle="--", linewidth=1)
    right.set_xlabel("draws")
    right.set_ylabel("chi-square")
    right.legend(fontsize=8, loc="upper left")
    right.set_ylim(2, 1e6)
    save("chi_square", figure)


def margins(data, orders, save):
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    share = [(i + 1) / len(data) for i in range(len(data))]
    axes.loglog(data, share, ".", color=BLUE, label="share of positions with a smaller margin")
    density = sum(margin < 0.1 for margin in data) / len(data) / 0.1
    axes.loglog([2e-6, 1], [2e-6 * density, density], color=GREY, linewidth=1, label="in proportion to the margin")
    measured = max(entry["margins"] for entry in orders)
    for x, color, text in ((measured, GREEN, "sums in\nanother order"), (0.125, RED, "one step\nof bf16 at 16")):
        axes.axvline(x, color=color, linestyle="--", linewidth=1)
        axes.text(x * 1.15, 2e-6, text, fontsize=9, color=color)
    axes.set_ylim(1e-6, 2)
    axes.set_xlabel("margin between the two largest logits")
    axes.set_ylabel("share")
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0.14, 1))
    save("margins", figure)


def draw(data, save):
    temperature(data["temperature"], save)
    truncation(data["truncation"], save)
    penalty(data["penalty"], save)
    chi_square(data["wrong"], save)
    margins(data["margins"], data["orders"], save)
