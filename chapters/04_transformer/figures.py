"""The figures of chapter 04; docs/draw.py 4 draws them."""

import matplotlib.pyplot as plt

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE


def draw(data, save):
    save("skeleton", skeleton())
    save("lens", lens(data["lens"]))
    save("stream", stream(data["stream"]))


def skeleton():
    """The residual stream as a line upwards, with what reads it and adds to it."""
    figure, axes = plt.subplots(figsize=(6.6, 6.2))
    axes.set(xlim=(-0.1, 10.4), ylim=(-0.2, 12.6))
    axes.axis("off")

    def box(x, y, width, text, colour):
        axes.add_patch(plt.Rectangle((x, y - 0.38), width, 0.76, facecolor="none", edgecolor=colour, linewidth=1.6))
        axes.text(x + width / 2, y, text, ha="center", va="center", fontsize=10)

    def arrow(x0, y0, x1, y1, colour="#000000", width=1.1):
        axes.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": width,
                                                          "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10})

    trunk = 1.9
    box(0.6, 1.0, 2.6, "Embedding", BLUE)
    axes.text(trunk, 0.15, "token ids [T]", ha="center", va="center", fontsize=10)
    arrow(trunk, 0.35, trunk, 0.62)
    arrow(trunk, 1.38, trunk, 9.42, GREY, 2.6)
    for y, first, second, colour in ((2.6, "RMSNorm", "q, k, v → rope → Attention → o", ORANGE),
                                     (5.6, "RMSNorm", "FeedForward (SwiGLU)", GREEN)):
        arrow(trunk, y, 3.7, y)
        box(3.7, y, 1.7, first, PURPLE)
        axes.plot([5.4, 7.1], [y, y], color="#000000", linewidth=1.1)
        arrow(7.1, y, 7.1, y + 0.72)
        box(4.5, y + 1.1, 5.2, second, colour)
        arrow(4.5, y + 1.1, trunk + 0.27, y + 1.1)
        axes.add_patch(plt.Circle((trunk, y + 1.1), 0.24, facecolor="none", edgecolor="#000000", linewidth=1.2))
        axes.text(trunk, y + 1.1, "+", ha="center", va="center", fontsize=12)
    axes.add_patch(plt.Rectangle((0.9, 2.0), 9.2, 5.5, facecolor="none", edgecolor=GREY, linestyle="--", linewidth=1))
    axes.text(9.95, 2.27, "Block, once for every layer", ha="right", va="center", fontsize=10)
    axes.text(2.2, 8.5, "residual stream [T, hidden]", va="center", fontsize=10)
    box(0.6, 9.8, 2.6, "RMSNorm", PURPLE)
    arrow(trunk, 10.18, trunk, 10.72)
    box(0.6, 11.1, 2.6, "output: Linear", BLUE)
    arrow(trunk, 11.48, trunk, 12.0)
    axes.text(trunk, 12.3, "logits [rows that want them, V]", ha="center", va="center", fontsize=10)
    return figure


def lens(data):
    """One bar per layer: the likeliest token and its probability."""
    layers = data["layers"]
    names = ["embedding"] + [f"layer {i}" for i in range(len(layers) - 1)]
    rows = range(len(layers))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 7.2), sharey=True, width_ratios=[1.5, 1])
    colours = [GREEN if layer["token"] == data["answer"] else BLUE for layer in layers]
    left.barh(rows, [layer["probability"] for layer in layers], color=colours, height=0.72)
    for row, layer in zip(rows, layers):
        left.text(layer["probability"] + 0.015, row, layer["token"].replace("$", r"\$"), va="center", fontsize=9)
    left.set(xlim=(0, 1.18), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="probability of the likeliest token",
             yticks=list(rows), yticklabels=names, ylim=(-0.7, len(layers) - 0.3))
    left.tick_params(axis="y", labelsize=8.5)
    answers = [layer["answer"] or float("nan") for layer in layers]  # 0: less than fp32 can hold
    right.plot(answers, rows, color=GREEN, marker="o", markersize=3.5)
    right.set(xscale="log", xlabel=f"probability of {data['answer']}")
    right.set_xticks([1e-18, 1e-12, 1e-6, 1])
    right.set_xticklabels([r"$10^{-18}$", r"$10^{-12}$", r"$10^{-6}$", "1"])
    right.grid(True, axis="x")
    return figure


def stream(data):
    """How large the rows of the stream are, and what is added to the last one."""
    figure, axes = plt.subplots(figsize=(6.8, 3.9))
    rows = list(range(len(data)))
    axes.semilogy(rows, [row["first"] for row in data], color=GREY, label="stream, first token")
    axes.semilogy(rows, [row["last"] for row in data], color=BLUE, label="stream, last token")
    axes.semilogy(rows[1:], [row["attention"] for row in data[1:]], color=ORANGE, linestyle="--",
                  label="added by attention")
    axes.semilogy(rows[1:], [row["feed_forward"] for row in data[1:]], color=GREEN, linestyle=":",
                  label="added by feed-forward")
    axes.set(xlabel="after this many layers", ylabel="root mean square of a row")
    axes.set_yticks([0.1, 1, 10, 100, 1000])
    axes.set_yticklabels(["0.1", "1", "10", "100", "1000"])
    axes.grid(True, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncol=2, fontsize=9)
    return figure
