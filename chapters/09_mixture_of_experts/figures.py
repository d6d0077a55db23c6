"""The figures of chapter 09; docs/draw.py 9 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE

COLOURS = (BLUE, ORANGE, GREEN, PURPLE)


def routing(data, save):
    """Which of two experts each token of a sentence goes to, and which of four in three layers."""
    pieces = [piece.replace(" ", "␣", 1) if piece.startswith(" ") else piece for piece in data["pieces"]]
    toy, strips = data["layers"][0], data["layers"][1:]
    widths = [0.55 + 0.17 * len(piece) for piece in pieces]
    lefts = [sum(widths[:i]) for i in range(len(widths))]
    total = sum(widths)
    figure, axes = plt.subplots(figsize=(10, 4.1))
    top, experts_at = 5.6, 3.7
    centres = (total * 0.3, total * 0.7)
    for left, width, piece, expert, weight in zip(lefts, widths, pieces, toy["chosen"], toy["weights"]):
        middle = left + width / 2
        axes.plot([middle, centres[expert]], [top, experts_at + 0.7], color=COLOURS[expert], linewidth=0.6 + 2.4 * (weight - 0.5))
        axes.add_patch(Rectangle((left + 0.05, top), width - 0.1, 0.7, facecolor=COLOURS[expert], alpha=0.85, edgecolor="none"))
        axes.text(middle, top + 0.35, piece, ha="center", va="center", fontsize=8)
    for expert, centre in enumerate(centres):
        axes.add_patch(Rectangle((centre - total * 0.12, experts_at), total * 0.24, 0.7, facecolor="none", edgecolor=COLOURS[expert], linewidth=2))
        axes.text(centre, experts_at + 0.35, f"expert {expert}", ha="center", va="center", fontsize=10)
    axes.text(-0.3, top + 0.35, f"layer {toy['layer']}", ha="right", va="center", fontsize=9)
    for row, strip in enumerate(strips):
        y = 2.2 - 0.95 * row
        for left, width, piece, expert in zip(lefts, widths, pieces, strip["chosen"]):
            axes.add_patch(Rectangle((left + 0.05, y), width - 0.1, 0.7, facecolor=COLOURS[expert], alpha=0.85, edgecolor="none"))
            axes.text(left + width / 2, y + 0.35, piece, ha="center", va="center", fontsize=8)
        axes.text(-0.3, y + 0.35, f"layer {strip['layer']}", ha="right", va="center", fontsize=9)
    axes.text(0, 3.15, "and with four experts, by colour:", fontsize=9, va="center")
    for expert, colour in enumerate(COLOURS):
        left = 5.6 + 2.2 * expert
        axes.add_patch(Rectangle((left, 3.02), 0.5, 0.26, facecolor=colour, alpha=0.85, edgecolor="none"))
        axes.text(left + 0.62, 3.15, f"expert {expert}", fontsize=9, va="center")
    axes.set_xlim(-2.2, total + 0.2)
    axes.set_ylim(0.1, 6.5)
    axes.axis("off")
    save("routing", figure)


def segments(save):
    """Three rows to six places sorted by expert, and back."""
    routes = [(0, 3, 0.75), (0, 1, 0.25), (1, 1, 0.625), (1, 0, 0.375), (2, 3, 0.5), (2, 0, 0.5)]
    order = sorted(routes, key=lambda route: (route[1], route[0]))
    gap = {0: 0, 1: 0.6, 3: 1.9}
    places = [index * 1.2 + gap[expert] for index, (_, expert, _) in enumerate(order)]
    figure, axes = plt.subplots(figsize=(8, 4.2))
    rows_at = [1.6, 4.4, 7.2]
    colours = (BLUE, ORANGE, GREEN)
    for row, x in enumerate(rows_at):
        for y, name in ((4.6, f"x, row {row}"), (0, f"y, row {row}")):
            axes.add_patch(Rectangle((x - 0.75, y), 1.5, 0.6, facecolor=colours[row], alpha=0.85, edgecolor="none"))
            axes.text(x, y + 0.3, name, ha="center", va="center", fontsize=9)
    for place, (row, expert, weight) in zip(places, order):
        middle = place + 0.5
        axes.plot([rows_at[row], middle], [4.6, 3.3], color=colours[row], linewidth=1.4)  # to its segment
        axes.plot([middle, rows_at[row]], [2.05, 0.6], color=colours[row], linewidth=1.4)
        axes.add_patch(Rectangle((place, 2.05), 1, 0.7, facecolor=colours[row], alpha=0.85, edgecolor="none"))
        axes.text(middle, 2.4, f"row {row}\n· {weight:g}", ha="center", va="center", fontsize=8)
    for expert in range(4):
        own = [place for place, route in zip(places, order) if route[1] == expert]
        left, right = (min(own) - 0.1, max(own) + 1.1) if own else (5.45, 6.25)
        axes.add_patch(Rectangle((left, 1.95), right - left, 1.35, facecolor="none", edgecolor=GREY, linewidth=1.2, linestyle="-" if own else "--"))
        # Inside, where no line runs.
        axes.text((left + right) / 2, 3.02, f"expert {expert}" if own else f"expert {expert}:\nnone", ha="center",
                  va="center" if own else "top", fontsize=8)
    axes.set_xlim(-0.4, 9.4)
    axes.set_ylim(-0.15, 5.35)
    axes.axis("off")
    save("segments", figure)


def touched(rows, save):
    """Share of the experts that a batch touches."""
    figure, axes = plt.subplots(figsize=(6.4, 3.5))
    sizes = [1, 2, 4, 8, 16, 32, 64]
    for row, colour in zip(rows, COLOURS):
        share = [100 * (1 - (1 - row["used"] / row["experts"]) ** batch) for batch in sizes]
        axes.plot(sizes, share, "o-", color=colour, markersize=4, label=f"{row['used']} of {row['experts']}")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_ylim(0, 103)
    axes.set(xlabel="rows of the batch", ylabel="% of the experts that are read")
    axes.grid(True)
    axes.legend(fontsize=9, loc="lower right")
    save("touched", figure)


def draw(data, save):
    routing(data["sentence"], save)
    segments(save)
    touched(data["touched"], save)
