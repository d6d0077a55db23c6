"""The figures of chapter 03; docs/draw.py 3 draws them."""

import math

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE

WHAT = {
    "first": "looks at the first token",
    "previous": "looks at the token before",
    "content": "looks at what followed\nthis word last time",
}


def attention_map(axes, weights, colour):
    """A square for each weight, the more opaque the larger: rows are queries, columns keys."""
    n = len(weights)
    for t, row in enumerate(weights):
        for s, weight in enumerate(row[:t + 1]):
            if weight >= 0.02:
                axes.add_patch(Rectangle((s - 0.5, t - 0.5), 1, 1, facecolor=colour, alpha=min(1, weight), linewidth=0))
    axes.plot([-0.5, n - 0.5], [-0.5, n - 0.5], color=GREY, linewidth=0.8)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.tick_params(length=0)


def draw_heads(data, save):
    names = [piece.strip() for piece in data["pieces"]]
    figure, row = plt.subplots(1, 3, figsize=(11, 4.7), sharey=True)
    for axes, head, colour in zip(row, data["heads"], (BLUE, ORANGE, GREEN)):
        attention_map(axes, head["weights"], colour)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
        axes.set_title(f"layer {head['layer']}, head {head['head']}\n{WHAT[head['name']]}", fontsize=11, linespacing=1.3)
        axes.set_xlabel("key")
    row[0].set_yticks(range(len(names)), names, fontsize=9)
    row[0].set_ylabel("query")
    save("heads", figure)


def draw_softmax(data, scales, save):
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3), width_ratios=(1, 1.1))
    scores, weights = data[0]["scores"], data[0]["weights"]
    left.bar([i - 0.2 for i in range(3)], scores, width=0.4, color=GREY, label="score")
    left.bar([i + 0.2 for i in range(3)], weights, width=0.4, color=BLUE, label="weight")
    for i, weight in enumerate(weights):
        left.text(i + 0.2, weight + 0.06, f"{weight:.2f}", ha="center", fontsize=10)
    left.set_xticks(range(3), ["key 0", "key 1", "key 2"])
    left.legend(loc="upper left")
    names = [one["scores"].replace("sqrt(D)", "√D") for one in scales]
    right.barh(range(3), [one["largest"] for one in scales], color=[ORANGE, BLUE, PURPLE], height=0.6)
    for i, one in enumerate(scales):
        right.text(one["largest"] + 0.02, i, f"{one['largest']:.2f}", va="center", fontsize=10)
    right.set_yticks(range(3), names)
    right.set(xlim=(0, 1.08), ylim=(2.6, -0.6), xlabel="largest weight, mean of all heads")
    save("softmax", figure)


def draw_rope(data, save):
    frequencies = data["frequencies"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))
    left.semilogy(range(len(frequencies)), [2 * math.pi / f for f in frequencies], "o", color=BLUE, markersize=4)
    left.axhline(data["context"], color=ORANGE, linewidth=1)
    left.text(0, data["context"] * 1.4, f"context, {data['context']:,} tokens", fontsize=10)
    left.set(xlabel="pair i", ylabel="tokens for one turn")
    distance = range(129)
    n = len(frequencies)
    for pair, colour in ((0, GREY), (n // 8, ORANGE), (n // 4, BLUE), (n // 2, GREEN)):
        right.plot(distance, [math.cos(d * frequencies[pair]) for d in distance], color=colour,
                   linewidth=0.8 if pair == 0 else 1.8, label=f"pair {pair}")
    right.set(xlabel="distance between query and key", ylabel="cosine of the angle", ylim=(-1.1, 1.1))
    right.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=10, handlelength=1.2, columnspacing=1)
    save("rope", figure)


def draw_mixed(layouts, mixed, save):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))
    left.plot(range(len(layouts)), [one["moved"] for one in layouts], "o-", color=ORANGE)
    ends = [one["from"] for one in layouts[1:]] + [None]
    labels = [f"{one['from']}+" if end is None else str(one["from"]) for one, end in zip(layouts, ends)]
    left.set_xticks(range(len(layouts)), labels)
    left.set(xlabel="distance between query and key, from …", ylabel="score moves by", ylim=(0, None))
    window = 16
    for name, colour, label in (("half_split", BLUE, "half-split (right)"), ("interleaved", ORANGE, "interleaved (wrong)")):
        bits = mixed[name]
        means = [sum(bits[t:t + window]) / window for t in range(len(bits) - window + 1)]
        right.plot([t + window / 2 for t in range(len(means))], means, color=colour, linewidth=1.8, label=label)
    right.set(xlabel="position in the text", ylabel="bits per token", ylim=(0, None))
    right.legend(loc="lower left", fontsize=10)
    save("mixed", figure)


def draw(data, save):
    draw_heads(data["heads"], save)
    draw_softmax(data["softmax"], data["scale"], save)
    draw_rope(data["rope"], save)
    draw_mixed(data["layouts"], data["mixed"], save)
