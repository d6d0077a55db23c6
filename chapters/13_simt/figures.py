"""The figures of chapter 13; docs/draw.py 13 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, INK, ORANGE, RED


def box(axes, x, y, width, height, colour=None, edge=None, alpha=0.85, line=1.2):
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour or "none", edgecolor=edge or "none", alpha=alpha, linewidth=line))


def join(axes, corners):
    """Dashed lines from a small box to the large one that shows it."""
    for start, end in corners:
        axes.plot(*zip(start, end), color=GREY, linewidth=0.9, linestyle="--")


def grid(save):
    """A grid of blocks, the warps of one block, the lanes of one warp."""
    figure, axes = plt.subplots(figsize=(8.4, 3.6))
    for row in range(3):
        for column in range(4):
            mine = (row, column) == (1, 2)
            box(axes, column, 2 - row, 0.9, 0.9, BLUE if mine else GREY, alpha=0.75 if mine else 0.3)
            axes.text(column + 0.45, 2.45 - row, f"({column}, {row})", ha="center", va="center", fontsize=8.5)
    axes.text(1.95, 3.25, "grid: blocks in any order", ha="center")

    left = 5.6
    box(axes, left, -0.35, 2.8, 3.35, edge=BLUE, alpha=1)
    for warp in range(4):
        box(axes, left + 0.15, 2.35 - 0.62 * warp, 2.5, 0.5, GREEN if warp == 1 else GREY, alpha=0.75 if warp == 1 else 0.3)
        axes.text(left + 1.4, 2.6 - 0.62 * warp, f"warp {warp}: threads {32 * warp}–{32 * warp + 31}", ha="center", va="center", fontsize=8.5)
    box(axes, left + 0.15, -0.2, 2.5, 0.5, ORANGE, alpha=0.6)
    axes.text(left + 1.4, 0.05, "shared memory", ha="center", va="center", fontsize=8.5)
    axes.text(left + 1.4, 3.25, "block: 128 threads, barriers", ha="center")
    join(axes, [((2.9, 1.9), (left, 3.0)), ((2.9, 1.0), (left, -0.35))])

    right = 10
    for lane in range(32):
        x, y = right + lane % 8 * 0.48, 2.3 - lane // 8 * 0.48
        box(axes, x, y, 0.44, 0.44, GREEN, alpha=0.6)
        axes.text(x + 0.22, y + 0.21, f"{lane}", ha="center", va="center", fontsize=7.5)
    axes.text(right + 1.9, 3.25, "warp: 32 lanes", ha="center")
    axes.text(right + 1.9, 0.25, "one instruction at a time,\nfor all of them", ha="center", va="center", fontsize=9)
    join(axes, [((left + 2.65, 2.23), (right, 2.78)), ((left + 2.65, 1.73), (right, 0.86))])
    axes.set_xlim(-0.2, 14)
    axes.set_ylim(-0.6, 3.6)
    axes.axis("off")
    save("grid", figure)


def sectors(loads, save):
    """The first words of memory in sectors of eight, for some loads: which words are wanted, and which sectors come."""
    shown = {"4 bytes: x[k]": "x[k]", "x[k + 1]": "x[k + 1]", "x[2 k]": "x[2 k]", "x[32 k]": "x[32 k]", "x[0]": "x[0]"}
    picked = [load for load in loads if load["name"] in shown]
    count, word, gap = 9, 0.13, 0.18  # sectors that are drawn
    figure, axes = plt.subplots(figsize=(8.4, 3.4))
    for row, load in enumerate(picked):
        y = len(picked) - 1 - row
        wanted = {address // 4 for address in load["addresses"]}
        for sector in range(count):
            x = sector * (8 * word + gap)
            moved = any(8 * sector + i in wanted for i in range(8))
            box(axes, x, y, 8 * word, 0.42, GREY, alpha=0.18)
            for i in range(8):
                if 8 * sector + i in wanted:
                    box(axes, x + i * word, y, word - 0.012, 0.42, BLUE, alpha=0.9)
            if moved:
                box(axes, x - 0.02, y - 0.05, 8 * word + 0.04, 0.52, edge=ORANGE, alpha=1, line=1.8)
        end = count * (8 * word + gap)
        axes.text(-0.2, y + 0.21, shown[load["name"]], ha="right", va="center", fontsize=10)
        axes.text(end, y + 0.21, "…", ha="center", va="center", color=GREY)
        axes.text(end + 0.3, y + 0.21, f"{load['sectors']} sector{'s' if load['sectors'] > 1 else ''}", ha="left", va="center", fontsize=10)
    axes.text(-0.2, len(picked) - 0.1, "lane k loads", ha="right", va="center", fontsize=9)
    box(axes, 0.02, len(picked) - 0.2, word, 0.2, BLUE, alpha=0.9)
    axes.text(0.25, len(picked) - 0.1, "a word that a lane wants", ha="left", va="center", fontsize=9)
    box(axes, 3.9, len(picked) - 0.22, 0.4, 0.24, edge=ORANGE, alpha=1, line=1.8)
    axes.text(4.42, len(picked) - 0.1, "a sector of 8 words that comes", ha="left", va="center", fontsize=9)
    axes.set_xlim(-1.5, end + 1.6)
    axes.set_ylim(-0.2, len(picked) + 0.2)
    axes.axis("off")
    save("sectors", figure)


def banks(widths, save):
    """A tile of 32 rows in memory, a word a cell: where bank 3 is, and the column that a warp reads."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 4.5), gridspec_kw={"width_ratios": [32, 33]})
    for axes, tile in zip(panels, widths):
        width = tile["width"]
        box(axes, 0, 0, width, 32, GREY, alpha=0.14)
        if width > 32:
            box(axes, 32, 0, 1, 32, GREY, alpha=0.3)
        for r in range(32):
            for c in range(width):
                if (width * r + c) % 32 == 3:
                    box(axes, c, 31 - r, 1, 1, RED, alpha=0.85)
        for i in range(4, 32, 4):
            axes.plot([0, width], [i, i], color=GREY, linewidth=0.4)
            axes.plot([i, i], [0, 32], color=GREY, linewidth=0.4)
        box(axes, 3, 0, 1, 32, edge=INK, alpha=1, line=1.4)
        axes.text(3.5, 32.6, "column 3", ha="center", va="bottom", fontsize=9)
        axes.text(width / 2, -1.2, f"rows of {width} words: a column takes {tile['load']} wavefront{'s' if tile['load'] > 1 else ''}", ha="center",
                  va="top", fontsize=10)
        if width > 32:
            axes.text(32.5, 32.6, "padding", ha="center", va="bottom", fontsize=9)
        else:
            axes.text(18, 32.6, "red: bank 3", ha="center", va="bottom", fontsize=9, color=RED)
        axes.set_xlim(-0.5, width + 0.5)
        axes.set_ylim(-3.2, 35)
        axes.set_aspect("equal")
        axes.axis("off")
    save("banks", figure)


def reduction(tree, save):
    """Eight numbers added up: by a tree in shared memory, and by shuffles, after which every lane has the sum."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.9))
    steps = len(tree) - 1
    exchange = [tree[0]]
    for step in range(steps):
        exchange.append([a + exchange[-1][i ^ (4 >> step)] for i, a in enumerate(exchange[-1])])
    for axes, rows, shuffled in ((panels[0], tree, False), (panels[1], exchange, True)):
        for step, numbers in enumerate(rows):
            y = 1.5 * (steps - step)
            working = range(8) if shuffled or step == 0 else range(8 >> step)
            for i, number in enumerate(numbers):
                used = i in working
                box(axes, i + 0.1, y, 0.8, 0.6, BLUE if used else GREY, alpha=0.5 if used else 0.15)
                axes.text(i + 0.5, y + 0.29, f"{number}", ha="center", va="center", fontsize=9.5, alpha=1 if used else 0.45)
            if step == 0:
                continue
            distance = 8 >> step
            for i in working:
                for source in (i, i ^ distance):
                    axes.plot([source + 0.5, i + 0.5], [y + 1.5, y + 0.62], color=GREEN if source != i else GREY, linewidth=1.1)
            if not shuffled:
                axes.plot([-0.1, 8.1], [y + 1.06, y + 1.06], color=ORANGE, linewidth=1.3, linestyle="--")
            axes.text(8.2, y + 0.29, f"{distance}", ha="left", va="center", fontsize=9.5)
        axes.text(8.2, 1.5 * steps + 0.29, "distance", ha="left", va="center", fontsize=9)
        axes.set_title("shuffles: no memory, no barrier" if shuffled else "a tree in shared memory; dashed: barriers", fontsize=10.5)
        axes.set_xlim(-0.2, 9.8)
        axes.set_ylim(-0.2, 1.5 * steps + 0.8)
        axes.axis("off")
    save("reduction", figure)


def draw(data, save):
    grid(save)
    sectors(data["sectors"], save)
    banks(data["transpose"], save)
    reduction(data["tree"], save)
