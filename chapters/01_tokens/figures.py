"""The figures of chapter 01; docs/draw.py 1 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from draw import BLUE, GREEN, GREY, INK, ORANGE


def draw_cut(data, save):
    """Each tokenizer's pieces as boxes; two lines for a long row."""
    colours = [BLUE, ORANGE, GREEN]
    widest = 11.0
    figure, axes = plt.subplots(figsize=(8.6, 3.9))
    y = 0.0
    for row, colour in zip(data["rows"], colours):
        name = "SmolLM2's own" if row["name"] == "the model's" and row["vocabulary"] == 49152 else row["name"]
        axes.text(0, y + 0.52, f"{name}: {row['vocabulary']:,} pieces in the vocabulary, {len(row['pieces'])} tokens here",
                  fontsize=10.5, va="bottom")
        x = 0.0
        for piece in row["pieces"]:
            width = 0.125 * len(piece) + 0.13
            if x + width > widest:
                x, y = 0.0, y - 0.62
            axes.add_patch(FancyBboxPatch((x + 0.02, y), width - 0.06, 0.4, boxstyle="round,pad=0,rounding_size=0.06",
                                          facecolor=colour, alpha=0.25, edgecolor="none"))
            axes.add_patch(FancyBboxPatch((x + 0.02, y), width - 0.06, 0.4, boxstyle="round,pad=0,rounding_size=0.06",
                                          facecolor="none", edgecolor=colour, linewidth=1.2))
            axes.text(x + width / 2 - 0.01, y + 0.19, piece, family="DejaVu Sans Mono", fontsize=8.5, ha="center", va="center",
                      color=GREY if piece == "·" else INK)
            x += width
        y -= 1.2
    axes.set_xlim(-0.05, widest + 0.05)
    axes.set_ylim(y + 1.0, 0.95)
    axes.axis("off")
    save("cut", figure)


def draw_growth(data, save):
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    for name, label, colour in (("paragraph", "the paragraph", BLUE), ("unseen", "a sentence not in it", ORANGE)):
        axes.plot(data["merges"], data[name], marker="o", markersize=4, color=colour, label=label)
        axes.axhline(data["model"][name], color=colour, linestyle="--", linewidth=1)
    axes.text(0, max(data["model"].values()) + 0.08, "the model's own tokenizer", fontsize=9.5, va="bottom")
    axes.set_xlabel("merges")
    axes.set_ylabel("bytes per token")
    axes.set_ylim(0, 5.2)
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    save("growth", figure)


def draw(data, save):
    draw_cut(data["cut"], save)
    draw_growth(data["growth"], save)
