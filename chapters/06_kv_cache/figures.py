"""The figures of chapter 06; docs/draw.py 6 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, INK, ORANGE


def rows_run(save):
    """Which rows each step runs, in both stages: five tokens."""
    figure, both = plt.subplots(1, 2, figsize=(7.6, 2.7), sharey=True)
    for axes, (name, runs) in zip(both, {"recompute": lambda step, p: True, "kv_cache": lambda step, p: p == step or step == 1 and p < 1}.items()):
        for step in range(1, 6):
            for position in range(step + 1):
                new = position == step or step == 1
                run = name == "recompute" or new
                axes.add_patch(Rectangle((position + 0.06, step - 0.94), 0.88, 0.88, facecolor=(ORANGE if new else BLUE) if run else "none",
                                         edgecolor=BLUE if not run else "none", linewidth=1.2, hatch=None if run else "//", alpha=1 if run else 0.9))
        axes.set_xlim(0, 6)
        axes.set_ylim(5, 0)
        axes.set_xticks([i + 0.5 for i in range(6)], range(6))
        axes.set_yticks([i + 0.5 for i in range(5)], ["prefill"] + [f"decode {i}" for i in range(1, 5)])
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_title(name, fontsize=11)
        axes.set_xlabel("position")
    handles = [Rectangle((0, 0), 1, 1, facecolor=ORANGE), Rectangle((0, 0), 1, 1, facecolor=BLUE),
               Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=BLUE, hatch="//")]
    both[1].legend(handles, ["new: run", "run again", "remembered: read"], fontsize=9, loc="upper right", bbox_to_anchor=(1.06, 0.98))
    save("rows", figure)


def growth(counted, measured, save):
    """Left: a token's time, predicted and measured. Right: FLOPs of all tokens so far."""
    figure, (time, total) = plt.subplots(1, 2, figsize=(7.6, 3.3))
    for name, color in (("recompute", ORANGE), ("kv_cache", BLUE)):
        points = sorted(measured[name], key=lambda point: point["length"])
        lengths = [point["length"] for point in points]
        time.plot(lengths, [1e3 * point["predicted"] for point in points], "--", color=color, label=f"{name}, predicted")
        time.plot(lengths, [1e3 * point["measured"] for point in points], "o-", color=color, label=f"{name}, measured")
        total.plot([row["length"] for row in counted], [row[f"{name}_total"] / 1e9 for row in counted], "o-", color=color, label=name)
    for axes in (time, total):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks([16, 64, 256, 1024], ["16", "64", "256", "1024"])
        axes.set_xlabel("tokens so far")
        axes.grid(True)
    time.set_ylabel("ms for the next token")
    total.set_ylabel("GFLOP for all of them")
    time.legend(fontsize=8)
    total.legend(fontsize=8)
    save("growth", figure)


def roofline(phases, save):
    """Where prefill and decode stand under this machine's roof."""
    figure, axes = plt.subplots(figsize=(5.6, 3.3))
    bandwidth = sum(phase["bytes_per_second"] for phase in phases) / len(phases)
    rate = sum(phase["flops_per_second"] for phase in phases) / len(phases)
    x = [0.1, rate / bandwidth, 1000]
    axes.plot(x, [min(bandwidth * i, rate) / 1e9 for i in x], color=GREY, linewidth=2, label="what this machine can do")
    for phase, color, marker in zip(phases, (ORANGE, BLUE), ("s", "o")):
        axes.plot(phase["flops"] / phase["bytes"], phase["flops"] / phase["measured"] / 1e9, marker, color=color, markersize=8, label=f"{phase['what']}, measured")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("arithmetic intensity, FLOPs a byte")
    axes.set_ylabel("GFLOP/s")
    axes.grid(True)
    axes.legend(fontsize=8, loc="lower right")
    save("roofline", figure)


def lanes(save):
    """Two lanes of a store: who has which slot, before and after a ragged batch."""
    figure, axes = plt.subplots(figsize=(7.2, 1.9))
    for lane, (name, past, new, color) in enumerate((("a", 2, 1, BLUE), ("b", 0, 2, GREEN))):
        for position in range(4):
            left = 4.4 * lane + position
            kept, fresh = position < past, past <= position < past + new
            axes.add_patch(Rectangle((left, 0), 0.94, 0.94, facecolor=color if kept or fresh else "none", alpha=0.55 if kept else 1,
                                     edgecolor=GREY if not fresh else INK, linewidth=2 if fresh else 1))
            axes.text(left + 0.47, 0.47, f"{name}{position}" if kept or fresh else "", ha="center", va="center")
            axes.text(left + 0.47, -0.3, str(4 * lane + position), ha="center", va="center", fontsize=9)
        axes.text(4.4 * lane + 1.97, 1.25, f"lane {lane}: sequence {name}", ha="center")
    axes.text(-0.25, -0.3, "slot", ha="right", va="center", fontsize=9)
    axes.set_xlim(-1, 8.5)
    axes.set_ylim(-0.6, 1.6)
    axes.set_aspect("equal")
    axes.axis("off")
    save("lanes", figure)


def draw(data, save):
    rows_run(save)
    lanes(save)
    growth(data["growth"], data["speed"], save)
    roofline(data["phases"], save)
