"""The figures of chapter 15; docs/draw.py 15 draws them. traffic.csv was counted by tests/cuda/attention/profile_test.cpp."""

import csv
import math
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, INK, ORANGE, RED

FOLDER = Path(__file__).parent


def traffic(save):
    """Bytes that the launches of a rung touch, over the length of the prompt."""
    with open(FOLDER / "figures" / "traffic.csv", encoding="utf-8", newline="") as file:
        rows = [{name: int(number) for name, number in row.items()} for row in csv.DictReader(file)]
    tokens = [row["tokens"] for row in rows]
    figure, axes = plt.subplots(figsize=(6.8, 3.9))
    for name, label, colour in (("naive", "1 naive, fp32", RED), ("tiled", "3 tiled, fp32", BLUE), ("swizzled", "6 swizzled, fp16", GREEN)):
        megabytes = [row[name] / 1e6 for row in rows]
        axes.plot(tokens, megabytes, "o-", color=colour, markersize=4.5)
        axes.annotate(label, (tokens[-1], megabytes[-1]), (6, 0), textcoords="offset points", va="center", color=colour, fontsize=10)
    square = [rows[-1]["naive"] / 1e6 * (t / tokens[-1]) ** 2 for t in tokens]
    axes.plot(tokens, square, "--", color=GREY, linewidth=1)
    axes.annotate("T²", (tokens[2], square[2]), (10, -8), textcoords="offset points", color=GREY, ha="center")
    line = [rows[-1]["swizzled"] / 1e6 * t / tokens[-1] for t in tokens]
    axes.plot(tokens, [0.7 * y for y in line], "--", color=GREY, linewidth=1)
    axes.annotate("T", (tokens[1], 0.7 * line[1]), (0, -14), textcoords="offset points", color=GREY, ha="center")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(tokens, [str(t) for t in tokens])
    axes.set_xlim(tokens[0] * 0.9, tokens[-1] * 2.4)
    axes.minorticks_off()
    axes.set_xlabel("tokens T of the prompt")
    axes.set_ylabel("MB touched, all launches")
    axes.grid(True, which="major")
    save("traffic", figure)


def seen(row, window):
    """The keys that a row sees: first, end."""
    return max(row - window + 1, 0) if window else 0, row + 1


def tiles(save):
    """Which tiles of keys the blocks of rungs 4 to 6 read, and where they have to mask."""
    tokens, tile = 512, 64
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 4.9))
    for axes, window in zip(panels, (0, 160)):
        counts = {"all": 0, "some": 0}
        for first_row in range(0, tokens, tile):
            begin, end = seen(first_row, window)[0], seen(first_row + tile - 1, window)[1]
            for first_key in range(begin, end, tile):
                last_key = min(first_key + tile, end)
                whole = all(seen(row, window)[0] <= first_key and last_key <= seen(row, window)[1] and last_key == first_key + tile
                            for row in range(first_row, first_row + tile))
                counts["all" if whole else "some"] += 1
                axes.add_patch(Rectangle((first_key + 3, first_row + 3), last_key - first_key - 6, tile - 6, facecolor=GREEN if whole else ORANGE,
                                         alpha=0.65, linewidth=0))
        # The mask itself.
        axes.plot([0, tokens], [0, tokens], color=INK, linewidth=1.3)
        if window:
            axes.plot([0, tokens - window], [window, tokens], color=INK, linewidth=1.3)
        axes.add_patch(Rectangle((0, 0), tokens, tokens, facecolor="none", edgecolor=GREY, linewidth=1))
        axes.set_xlim(-2, tokens + 2)
        axes.set_ylim(tokens + 2, -2)
        axes.set_aspect("equal")
        axes.set_xticks(range(0, tokens + 1, 128))
        axes.set_yticks(range(0, tokens + 1, 128))
        axes.set_xlabel("key")
        axes.set_ylabel("query" if axes is panels[0] else "")
        of = (tokens // tile) ** 2
        name = f"causal, window of {window}" if window else "causal"
        axes.set_title(f"{name}: {counts['all'] + counts['some']} of {of} tiles read,\n{counts['some']} of them masked", fontsize=10.5)
    save("tiles", figure)


def maximum(save):
    """Scores of a query, the largest so far, and what the sum of weights is rescaled by."""
    scores = [0.4, -0.9, 1.3, 0.2, -1.6, 0.9, 2.6, 0.1, 1.8, -0.4, 0.7, 2.1, -1.1, 3.4, 1.5, 0.3, 2.8, -0.2, 1.1, 2.2]
    largest, sums, rescales, top, total = [], [], [], -math.inf, 0.0
    for score in scores:
        new = max(top, score)
        rescales.append(math.exp(top - new))
        total = total * rescales[-1] + math.exp(score - new)
        top = new
        largest.append(top)
        sums.append(total)
    keys = list(range(len(scores)))
    figure, (above, below) = plt.subplots(2, 1, figsize=(7.2, 4.7), sharex=True, height_ratios=(1.25, 1))
    above.vlines(keys, -1.9, scores, color=BLUE, linewidth=1.2, alpha=0.5)
    above.plot(keys, scores, "o", color=BLUE, markersize=5)
    above.step(keys, largest, where="post", color=RED, linewidth=1.8)
    above.annotate("largest so far, m", (keys[-1], largest[-1]), (0, 6), textcoords="offset points", ha="right", color=RED, fontsize=10)
    above.annotate("score", (keys[8], scores[8]), (6, 4), textcoords="offset points", color=BLUE, fontsize=10)
    above.set_ylim(-1.9, 4.2)
    above.set_ylabel("score")
    below.bar(keys, sums, color=[ORANGE if 0 < r < 1 else GREY for r in rescales], alpha=0.75, width=0.7)
    for key, rescale in zip(keys, rescales):
        if 0 < rescale < 1:
            around = max(sums[key - 1:key + 2])  # above the bars beside it, too
            below.annotate(f"× {rescale:.2f}", (key, around), (0, 3), textcoords="offset points", ha="center", color=ORANGE, fontsize=9.5)
    below.set_ylabel("sum l")
    below.set_xlabel("key")
    below.set_ylim(0, max(sums) * 1.15)
    below.set_xticks(keys)
    save("maximum", figure)


def draw(_data, save):
    traffic(save)
    tiles(save)
    maximum(save)
