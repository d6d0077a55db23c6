"""The figures of chapter 21; docs/draw.py 21 draws them."""

import matplotlib.pyplot as plt

from draw import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED

COLOURS = {"Llama 2 7B": BLUE, "Llama 2 13B": ORANGE, "Mistral 7B": GREEN, "Mixtral 8x7B": PURPLE, "GPT-4, 1/64": PURPLE}


def curves(data, save):
    """Bounds of four models over the context of one sequence, and over the batch."""
    figure, (over_context, over_batch) = plt.subplots(1, 2, figsize=(9, 3.9))
    for axes, kind in ((over_context, "context"), (over_batch, "batch")):
        for name, points in data[kind].items():
            x, y = zip(*points)
            axes.plot(x, y, color=COLOURS[name], label=name, linewidth=2)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.grid(True, which="both", axis="y")
        ticks = x[::2]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=9)
        axes.minorticks_off()
    over_context.set_yticks([20, 50, 100, 200], ["20", "50", "100", "200"])
    over_context.set_xlabel("positions before the token")
    over_context.set_ylabel("tokens/s, at most")
    over_context.set_title("one sequence", fontsize=11)
    over_batch.set_xlabel("sequences at once, after 1024 positions each")
    over_batch.set_title("all sequences together", fontsize=11)
    over_batch.legend(fontsize=9.5, loc="upper left")
    save("curves", figure)


def sizes(data, save):
    """Weights as f16, q8_0 and q4_0 beside the memories of cards."""
    figure, axes = plt.subplots(figsize=(8.6, 4.2))
    rows = [row for row in data if row["gigabytes"][0] > 1]
    for i, row in enumerate(rows):
        for j, (size, colour, name) in enumerate(zip(row["gigabytes"], (BLUE, ORANGE, GREEN), ("f16", "q8_0", "q4_0"))):
            axes.bar(i + 0.27 * (j - 1), size, 0.24, color=colour, label=name if i == 0 else None)
    for memory, card in ((25.77, "24 GB"), (85.9, "80 GB"), (687.2, "8 × 80 GB")):
        axes.axhline(memory, color=GREY, linewidth=1, linestyle="--")
        axes.text(-0.75, memory * 1.06, card, fontsize=9)
    axes.set_yscale("log")
    axes.set_xlim(-0.8, len(rows) - 0.4)
    axes.set_xticks(range(len(rows)), [row["model"].replace(" ", "\n", 1) if len(row["model"]) < 13 else row["model"].replace(" ", "\n") for row in rows], fontsize=9)
    axes.set_ylabel("GB of weights")
    axes.set_yticks([3, 10, 30, 100, 300, 1000, 3000], ["3", "10", "30", "100", "300", "1000", "3000"])
    axes.minorticks_off()
    axes.legend(fontsize=9.5, loc="upper left", bbox_to_anchor=(0.1, 1))
    save("sizes", figure)


def experts(data, save):
    """Experts that a batch touches, and the weights that a step reads."""
    figure, (count, read) = plt.subplots(1, 2, figsize=(8.6, 3.5))
    rows = [row["rows"] for row in data]
    for id_, name, all_, colour in (("mixtral-8x7b", "Mixtral, 2 of 8", 8, PURPLE), ("gpt4-16x110b", "GPT-4 shape, 2 of 16", 16, RED)):
        count.plot(rows, [row[id_]["touched"] for row in data], color=colour, marker="o", markersize=4, label=name)
        count.axhline(all_, color=colour, linewidth=0.8, linestyle="--")
        first = data[0][id_]["gigabytes"]
        read.plot(rows, [row[id_]["gigabytes"] / first for row in data], color=colour, marker="o", markersize=4, label=name)
    for axes in (count, read):
        axes.set_xscale("log", base=2)
        axes.set_xticks(rows, rows)
        axes.set_xlabel("tokens in the batch")
        axes.grid(True, axis="y")
        axes.set_ylim(bottom=0)
    count.set_ylabel("experts touched in a layer, mean")
    read.set_ylabel("bytes of weights, of those of one token")
    count.legend(fontsize=9.5)
    save("experts", figure)


def predicted(data, save):
    """Bound and measurement of each run, as lengths."""
    figure, axes = plt.subplots(figsize=(7.6, 3.4))
    labels = []
    data = [row for row in data if row["bound"] < 20]  # SmolLM2 and a layer of Mixtral are of another size
    for i, row in enumerate(reversed(data)):
        axes.barh(i, row["bound"], 0.7, color="none", edgecolor=INK, linewidth=1)
        axes.barh(i, row["measured"], 0.7, color=COLOURS[row["model"]])
        axes.text(row["bound"] + 0.15, i, f"{100 * row['measured'] / row['bound']:.0f} %", va="center", fontsize=9.5)
        labels.append(f"{row['model']} after {row['past']}")
    axes.set_yticks(range(len(data)), labels, fontsize=9.5)
    axes.set_xlabel("tokens/s: measured (filled) of what the bandwidth allows (outlined)")
    save("predicted", figure)


def draw(data, save):
    curves(data["curves"], save)
    sizes(data["bytes"], save)
    experts(data["experts"], save)
    predicted(data["predicted"], save)
