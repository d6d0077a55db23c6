"""The figures of chapter 14; docs/draw.py 14 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED


def box(axes, x, y, width, height, colour=None, edge=None, alpha=0.85, line=1.2):
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour or "none", edgecolor=edge or "none", alpha=alpha, linewidth=line))


def tiles(save):
    """A block's tile of C, the rows of A and W that it needs, and the pair of tiles that is in shared memory."""
    figure, axes = plt.subplots(figsize=(7.4, 4.6))
    m, n, k, side = 4, 6, 5, 1
    # C at the lower right, A to its left, W above it.
    box(axes, 0, 0, n, m, edge=GREY)
    box(axes, -0.6 - k, 0, k, m, edge=GREY)
    box(axes, 0, m + 0.6, n, k * 0.7, edge=GREY)
    column, row, now = 3, 1, 2
    box(axes, column, row, side, side, GREEN, alpha=0.6)
    box(axes, -0.6 - k, row, k, side, BLUE, alpha=0.25)
    box(axes, column, m + 0.6, side, k * 0.7, ORANGE, alpha=0.25)
    for i in range(k):
        box(axes, -0.6 - k + i, row, 1, side, BLUE if i == now else None, edge=BLUE)
        box(axes, column, m + 0.6 + (k - 1 - i) * 0.7, side, 0.7, ORANGE if i == now else None, edge=ORANGE)
    # One thread's numbers, spread over the tile.
    for i in range(4):
        for j in range(4):
            box(axes, column + 0.07 + j * 0.25, row + 0.07 + i * 0.25, 0.08, 0.08, INK, alpha=1)
    axes.text(n / 2, -0.35, "C [M, N]", ha="center", va="center")
    axes.text(-0.6 - k / 2, -0.35, "A [M, K]", ha="center", va="center")
    axes.text(n + 0.15, m + 0.6 + k * 0.35, "Wᵀ [K, N]", ha="left", va="center")
    axes.annotate("a block's tile of C;\nblack: one thread's sums", (column + side, row + 0.5), (n + 0.3, row + 0.5), va="center", fontsize=9.5,
                  arrowprops={"arrowstyle": "-", "color": GREY})
    axes.annotate("in shared memory now", (-0.6 - k + now + 0.5, row + side), (-0.6 - k / 2, m + 1.6), ha="center", fontsize=9.5,
                  arrowprops={"arrowstyle": "-", "color": GREY})
    axes.annotate("", (column, m + 0.6 + (k - 1 - now) * 0.7 + 0.35), (-1.1, m + 1.7), arrowprops={"arrowstyle": "-", "color": GREY})
    axes.annotate("", (-0.6, row - 0.15), (-0.6 - k, row - 0.15), arrowprops={"arrowstyle": "->", "color": INK})
    axes.text(-0.6 - k / 2, row - 0.3, "along k, round by round", ha="center", va="top", fontsize=9.5)
    axes.set_xlim(-0.9 - k, n + 3.2)
    axes.set_ylim(-0.7, m + 0.8 + k * 0.7)
    axes.set_aspect("equal")
    axes.axis("off")
    save("tiles", figure)


def banks(layouts, save):
    """In which of eight groups of four banks each chunk lies; chunk 1 of each row is outlined."""
    colours = (BLUE, ORANGE, GREEN, RED, PURPLE, GREY, "#b59a00", "#1f9ea8")
    figure, panels = plt.subplots(1, 3, figsize=(8.6, 3.9))
    for axes, (name, rows) in zip(panels, layouts.items()):
        width = 5 if name == "padded" else 4
        for r, places in enumerate(rows):
            for d, place in enumerate(places):
                x, y = place - width * r, 7 - r
                group = place % 8
                box(axes, x + 0.06, y + 0.06, 0.88, 0.88, colours[group], alpha=0.75)
                axes.text(x + 0.5, y + 0.5, f"{d}", ha="center", va="center", fontsize=9, fontweight="bold" if d == 1 else "normal")
                if d == 1:
                    box(axes, x + 0.03, y + 0.03, 0.94, 0.94, edge=INK, alpha=1, line=2)
            axes.text(width + 0.15, 7.5 - r, f"group {places[1] % 8}", ha="left", va="center", fontsize=8.5)
            if axes is panels[0]:
                axes.text(-0.2, 7.5 - r, f"row {r}", ha="right", va="center", fontsize=9)
        if width == 5:
            box(axes, 4, 0, 1, 8, edge=GREY, line=0.8)
        axes.set_title(f"{name}: {len({places[1] % 8 for places in rows})} of 8 groups", fontsize=10.5)
        axes.set_xlim(-1.3 if axes is panels[0] else -0.2, width + 1.7)
        axes.set_ylim(-0.1, 8.1)
        axes.axis("off")
    save("banks", figure)


def pipeline(save):
    """Copies and products over time with one, two and three buffers, as the rungs do it; a copy is assumed to take one and a half products."""
    rounds, copy, product = 5, 1.5, 1.0
    figure, panels = plt.subplots(3, 1, figsize=(8, 4.6), sharex=True)
    for axes, buffers in zip(panels, (1, 2, 3)):
        begun, copied, multiplied = [], [], []
        for i in range(rounds):
            # A buffer is filled when its last pair has been multiplied; with three, behind the barrier of the round after.
            start = 0.0
            if buffers < 3 and i >= buffers:
                start = multiplied[i - buffers]
            elif buffers == 3 and i >= 2:
                start = begun[i - 2]
            copied.append(start + copy)
            begin = max(copied[i], multiplied[i - 1] if i else 0.0)
            begun.append(begin)
            multiplied.append(begin + product)
            box(axes, start, (i % buffers) / buffers, copy, 0.9 / buffers, BLUE, alpha=0.6)
            axes.text(start + copy / 2, (i % buffers + 0.45) / buffers, f"copy {i}", ha="center", va="center", fontsize=8.5)
            box(axes, begin + 0.02, 1.15, product - 0.04, 0.7, GREEN, alpha=0.75)
            axes.text(begin + product / 2, 1.5, f"{i}", ha="center", va="center", fontsize=9.5)
        axes.text(-0.15, 1.5, "products", ha="right", va="center", fontsize=9)
        axes.text(-0.15, 0.45, "copies", ha="right", va="center", fontsize=9)
        axes.text(-1.35, 1, "1 buffer" if buffers == 1 else f"{buffers} buffers", ha="right", va="center", fontsize=9.5, fontweight="bold")
        axes.set_xlim(-2.6, rounds * (copy + product) + 0.1)
        axes.set_ylim(-0.05, 2)
        axes.axis("off")
    save("pipeline", figure)


def draw(data, save):
    tiles(save)
    banks(data["banks"], save)
    pipeline(save)
