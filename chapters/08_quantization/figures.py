"""The figures of chapter 08; docs/draw.py 8 draws them."""

import matplotlib.pyplot as plt

from draw import BLUE, GREY, ORANGE, PURPLE, RED


def outlier(data, save):
    """Normal numbers and the 15 levels of 4 bits, without and with one number at 10."""
    figure, both = plt.subplots(1, 2, figsize=(7.6, 2.7), sharey=True)
    most = max(one["count"] for one in data["bins"])
    for axes, scale, title in ((both[0], data["scale"], "the levels reach as far as the numbers"),
                               (both[1], data["scale_with_outlier"], "one more number, at 10")):
        axes.bar([one["from"] + 0.125 for one in data["bins"]], [one["count"] for one in data["bins"]], width=0.25, color=BLUE, alpha=0.55)
        for level in range(-7, 8):
            axes.axvline(level * scale, color=ORANGE, linewidth=1.3)
        axes.set_xlim(-10.8, 10.8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("number")
    both[1].annotate("", xy=(10, 0), xytext=(10, most * 0.35), arrowprops={"arrowstyle": "->", "color": RED, "linewidth": 2})
    save("outlier", figure)


def groups(data, save):
    """Error over the group's size, predicted and measured; and over bits per weight."""
    figure, (size, price) = plt.subplots(1, 2, figsize=(7.6, 3.3), sharey=True)
    for bits, color in ((3, RED), (4, ORANGE), (5, BLUE)):
        rows = [row for row in data if row["bits"] == bits]
        size.plot([row["group"] for row in rows], [100 * row["predicted"] for row in rows], "-", color=color, label=f"{bits} bits, predicted")
        size.plot([row["group"] for row in rows], [100 * row["measured"] for row in rows], "o", color=color, label="measured", markersize=5)
        price.plot([row["bits_per_weight"] for row in rows], [100 * row["measured"] for row in rows], "o-", color=color, label=f"{bits} bits", markersize=5)
        for row in rows:
            if row["group"] in (8, 32, 256):
                price.annotate(str(row["group"]), (row["bits_per_weight"], 100 * row["measured"]), xytext=(4, 3), textcoords="offset points", fontsize=8)
    for axes in (size, price):
        axes.set_yscale("log")
        axes.set_yticks([3, 5, 10, 20, 30], ["3 %", "5 %", "10 %", "20 %", "30 %"])
        axes.minorticks_off()
        axes.grid(True)
    size.set_xscale("log", base=2)
    size.set_xticks([8, 32, 128, 512, 4096], ["8", "32", "128", "512", "4096"])
    size.set_xlabel("numbers with one scale")
    size.set_ylabel("error of the numbers")
    price.set_xlabel("bits per weight, scales included")
    lines, _ = size.get_legend_handles_labels()
    size.legend(lines[:2], ["predicted", "measured"], fontsize=8, loc="lower right")
    price.legend(fontsize=8)
    save("groups", figure)


def dot(data, save):
    """The error of matrix products: measured over predicted."""
    figure, axes = plt.subplots(figsize=(4.6, 3.8))
    limits = [min(row["predicted"] for row in data) * 70, max(row["predicted"] for row in data) * 150]
    axes.plot(limits, limits, color=GREY, linewidth=1.2)
    for share, color, marker in (("channel", ORANGE, "s"), ("32", BLUE, "o")):
        rows = [row for row in data if row["share"] == share and row["range"] == "symmetric"]
        axes.plot([100 * row["predicted"] for row in rows], [100 * row["measured"] for row in rows], marker, color=color,
                  label="a scale for each row" if share == "channel" else "a scale for each 32", markersize=6)
        if share == "32":
            for row in rows:
                axes.annotate(f"{row['bits']} bits", (100 * row["predicted"], 100 * row["measured"]), xytext=(7, -10), textcoords="offset points", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = [0.5, 1, 2, 5, 10, 20, 50]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("predicted error of products, %")
    axes.set_ylabel("measured, %")
    axes.grid(True)
    axes.legend(fontsize=9)
    save("dot", figure)


# Where a name stands beside its dot in the right plot: points to the right and up, and the side that it begins on.
BESIDE = {"Q4_0": (-6, -3, "right"), "Q4_K": (-6, -8, "right"), "Q4_1": (6, -2, "left"), "4 bits, group 32": (6, 3, "left"),
          "4 bits, channel": (-6, 2, "right"), "3 bits, group 32": (6, -3, "left"), "Q8_0": (6, 0, "left"), "8 bits, channel": (-6, 2, "right")}
# In the left one many are next to each other: (bits, the names from above to below), which stand under the grey line; all
# others as here.
BELOW = ((4.5, ("Q4_K", "4 bits, group 32", "Q4_0")), (5.55, ("Q5_0",)), (6.56, ("Q6_K",)), (8.2, ("Q8_0", "8 bits, channel", "8 bits, tensor")))
ABOVE = {"4 bits, channel": (-6, 2, "right"), "Q4_1": (0, 7, "center"), "4 bits, group 8": (0, 7, "left")}


def short(name):
    return name.replace(" bits, ", " · ")


def table(data, save):
    """What every type costs on tiny."""
    figure, (text, divergence) = plt.subplots(1, 2, figsize=(7.8, 3.9))
    for row in data:
        if row["name"] == "F16":
            text.axhline(row["perplexity"], color=GREY, linewidth=1.2)
            lowest = row["perplexity"]
        if row["name"] in ("F16", "BF16", "2 bits, group 32"):
            continue
        color = PURPLE if "bits" in row["name"] else BLUE
        right, up, side = BESIDE.get(row["name"], (6, 3, "left"))
        divergence.plot(row["bits"], 1000 * row["kl"], "o", color=color, markersize=5)
        divergence.annotate(short(row["name"]), (row["bits"], 1000 * row["kl"]), xytext=(right, up), textcoords="offset points", fontsize=8, ha=side)
        text.plot(row["bits"], row["perplexity"], "o", color=color, markersize=5)
        if all(row["name"] not in names for _, names in BELOW):
            right, up, side = ABOVE.get(row["name"], (6, -3, "left"))
            text.annotate(short(row["name"]), (row["bits"], row["perplexity"]), xytext=(right, up), textcoords="offset points", fontsize=8, ha=side)
    for bits, names in BELOW:
        text.annotate("\n".join(map(short, names)), (bits, lowest), xytext=(0, -6), textcoords="offset points", fontsize=8, ha="center", va="top")
    text.set_ylim(lowest - 1.6, None)
    for color, label in ((BLUE, "types of GGUF"), (PURPLE, "evenly spaced: bits · scale for")):
        text.plot([], [], "o", color=color, markersize=5, label=label)
    text.legend(fontsize=8, loc="center right")
    text.set_ylabel("perplexity (grey: 16 bits)")
    divergence.set_ylabel("KL divergence, nats / 1000")
    divergence.set_yscale("log")
    divergence.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    divergence.minorticks_off()
    for axes in (text, divergence):
        axes.set_xlim(2.6, 9.4)
        axes.set_xlabel("bits per weight")
        axes.grid(True)
    save("table", figure)


def draw(data, save):
    outlier(data["outlier"], save)
    groups(data["groups"], save)
    dot(data["dot"], save)
    table(data["table"], save)
