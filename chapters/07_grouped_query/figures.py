"""The figures of chapter 07; docs/draw.py 7 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE

GROUP_COLOURS = (BLUE, ORANGE, GREEN)


def sharing(save):
    """Which key/value head each of nine query heads uses, with nine, three and one of them."""
    heads = 9
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.4))
    for axes, (kv_heads, name) in zip(panels, ((9, "multi-head: G = H = 9"), (3, "grouped-query: G = 3"), (1, "multi-query: G = 1"))):
        share = heads // kv_heads
        for h in range(heads):
            g = h // share
            colour = GROUP_COLOURS[g % 3] if kv_heads != 9 else GREY
            middle = g * share + (share - 1) / 2
            axes.plot([h, middle], [1, 0.42], color=colour, linewidth=1.4)
            axes.add_patch(Rectangle((h - 0.42, 1), 0.84, 0.42, facecolor=colour, edgecolor="none", alpha=0.85))
            axes.text(h, 1.21, str(h), ha="center", va="center", fontsize=9)
        for g in range(kv_heads):
            colour = GROUP_COLOURS[g % 3] if kv_heads != 9 else GREY
            middle = g * share + (share - 1) / 2
            axes.add_patch(Rectangle((middle - 0.42, 0), 0.84, 0.42, facecolor="none", edgecolor=colour, linewidth=2))
            axes.text(middle, 0.21, str(g), ha="center", va="center", fontsize=9)
        axes.set_xlim(-0.6, heads - 0.4)
        axes.set_ylim(-0.1, 1.5)
        axes.set_title(name, fontsize=11)
        axes.axis("off")
    panels[0].text(-0.75, 1.21, "query heads", ha="right", va="center", fontsize=10)
    panels[0].text(-0.75, 0.21, "stored heads", ha="right", va="center", fontsize=10)
    save("sharing", figure)


def ring(steps, save):
    """What is in the slots of a ring of six behind each batch, and which of it the batch's rows see."""
    slots = len(steps[0]["slots"])
    figure, axes = plt.subplots(figsize=(7.4, 3.9))
    for row, step in enumerate(steps):
        for slot, position in enumerate(step["slots"]):
            new = step["first"] <= position < step["first"] + step["rows"]
            seen = step["seen"] <= position < step["first"]
            axes.add_patch(Rectangle((slot + 0.05, row + 0.08), 0.9, 0.84, facecolor=ORANGE if new else BLUE if seen else "none",
                                     alpha=0.85 if new or seen else 1, edgecolor="none" if new or seen else GREY, linewidth=1))
            axes.text(slot + 0.5, row + 0.5, "" if position < 0 else str(position), ha="center", va="center")
        last = step["first"] + step["rows"] - 1
        axes.text(-0.3, row + 0.5, f"{step['first']}" if step["rows"] == 1 else f"{step['first']} to {last}", ha="right", va="center")
        first_slot, last_slot = step["first"] % slots, last % slots
        if last_slot < first_slot:
            axes.text(slots + 0.2, row + 0.5, "goes round: written and read in two runs", va="center", fontsize=10)
        elif step["seen"] // slots < last // slots:
            axes.text(slots + 0.2, row + 0.5, "read in two runs", va="center", fontsize=10)
    axes.text(-0.3, -0.35, "batch", ha="right", va="center")
    for slot in range(slots):
        axes.text(slot + 0.5, -0.35, f"slot {slot}", ha="center", va="center", fontsize=9)
    axes.set_xlim(-1.6, slots + 4.1)
    axes.set_ylim(len(steps) + 0.05, -0.75)
    axes.axis("off")
    handles = [Rectangle((0, 0), 1, 1, facecolor=ORANGE), Rectangle((0, 0), 1, 1, facecolor=BLUE),
               Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=GREY)]
    axes.legend(handles, ["written by this batch", "older, and seen by it", "empty, or not seen any more"], fontsize=9, loc="upper right",
                bbox_to_anchor=(1.0, 1.02))
    save("ring", figure)


def growth(rows, save):
    """Bytes of one text against its length, on logarithmic axes."""
    figure, axes = plt.subplots(figsize=(6.6, 3.7))
    tokens = [row["tokens"] for row in rows]
    for name, colour, style in (("G = 32 (MHA)", BLUE, "o-"), ("G = 8 (GQA)", ORANGE, "o-"), ("G = 8, W 4096", GREEN, "s--"),
                                ("G = 1 (MQA)", PURPLE, "o-")):
        gib = [row[name] / 2**30 for row in rows]
        axes.plot(tokens, gib, style, color=colour, markersize=4)
        axes.text(tokens[-1] * 1.12, gib[-1], name, color=colour, va="center", fontsize=10)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(tokens, [f"{n // 1024}k" for n in tokens])
    ticks = {1 / 64: "1/64", 1 / 16: "1/16", 1 / 4: "1/4", 1: "1", 4: "4", 16: "16"}
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.hlines(list(ticks), tokens[0], tokens[-1], color=GREY, alpha=0.35, linewidth=0.8)  # a grid that stops before the names
    axes.set_xlim(tokens[0] * 0.9, tokens[-1] * 5)
    axes.set(xlabel="tokens of one text", ylabel="GiB of keys and values, fp16")
    axes.grid(True, axis="x")
    save("growth", figure)


def draw(data, save):
    sharing(save)
    ring(data["ring"], save)
    growth(data["growth"], save)
