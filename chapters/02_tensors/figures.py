"""The figures of chapter 02; docs/draw.py 2 draws them."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from draw import BLUE, GREEN, GREY, ORANGE, PURPLE, RED


def plain(width, height, columns=1):
    """Axes for boxes: no ticks, no frame, the same scale both ways."""
    figure, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False)
    for each in axes[0]:
        each.set_axis_off()
        each.set_aspect("equal")
    return figure, list(axes[0])


def grid(axes, left, top, rows, columns, color, label, size):
    """A matrix as boxes, its name above and its shape below."""
    for r in range(rows):
        for c in range(columns):
            axes.add_patch(Rectangle((left + c, top - r - 1), 1, 1, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
    axes.text(left + columns / 2, top + 0.3, label, ha="center", va="bottom")
    axes.text(left + columns / 2, top - rows - 0.3, size, ha="center", va="top", fontsize=9)


def draw_product(save):
    figure, panels = plain(7.2, 2.9, 2)
    for axes, tokens, title in zip(panels, (1, 4), ("decode: one row", "prefill: many rows")):
        grid(axes, 0, 6, tokens, 4, BLUE, "x", f"[{tokens}, K]")
        axes.text(5, 4.5, "·", ha="center", va="center", fontsize=16)
        grid(axes, 6, 6, 6, 4, ORANGE, "W", "[N, K]")
        axes.text(11, 4.5, "→", ha="center", va="center", fontsize=14)
        grid(axes, 12, 6, tokens, 6, GREEN, "y = x · Wᵀ", f"[{tokens}, N]")
        axes.text(9, -1.7, f"{title}:\neach weight is read once, used {'once' if tokens == 1 else f'{tokens} times'}", ha="center", va="top")
        axes.set_xlim(-0.5, 18.5)
        axes.set_ylim(-4.2, 7.4)
    save("product", figure)


def draw_formats(save):
    figure, (axes,) = plain(7.2, 2.1)
    rows = (("fp32", 8, 23), ("bf16", 8, 7), ("fp16", 5, 10))
    for i, (name, exponent, mantissa) in enumerate(rows):
        top = -2.2 * i
        axes.text(-0.6, top - 0.5, name, ha="right", va="center")
        for bit in range(1 + exponent + mantissa):
            color = RED if bit == 0 else ORANGE if bit <= exponent else BLUE
            axes.add_patch(Rectangle((bit, top - 1), 1, 1, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
        axes.text(1 + exponent + mantissa + 0.4, top - 0.5, f"1 + {exponent} + {mantissa}", va="center", fontsize=9)
    for x, color, word in ((17, RED, "sign"), (21, ORANGE, "exponent"), (27.5, BLUE, "mantissa")):
        axes.add_patch(Rectangle((x, -4.4), 0.8, 0.8, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
        axes.text(x + 1.2, -4.0, word, va="center", fontsize=9)
    axes.set_xlim(-3, 37)
    axes.set_ylim(-5.8, 0.4)
    save("formats", figure)


def draw_blocks(save):
    figure, (axes,) = plain(7.2, 2.2)

    def field(left, top, width, color, word):
        axes.add_patch(Rectangle((left, top - 2), width, 2, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
        axes.text(left + width / 2, top - 2.3, word, ha="center", va="top", fontsize=8.5)

    axes.text(-0.5, -1, "Q8_0", ha="right", va="center")
    field(0, 0, 2, RED, "scale")
    for i in range(32):
        field(2 + i, 0, 1, BLUE, "")
    axes.text(18, -2.3, "32 integers of 8 bits: 34 bytes in all", ha="center", va="top", fontsize=8.5)
    axes.text(-0.5, -6, "Q4_1", ha="right", va="center")
    field(0, -5, 2, RED, "scale")
    field(2, -5, 2, ORANGE, "   min")
    for i in range(16):
        axes.add_patch(Rectangle((4 + i, -6), 1, 1, facecolor=PURPLE, alpha=0.75, edgecolor="#000000", lw=0.6))
        axes.add_patch(Rectangle((4 + i, -7), 1, 1, facecolor=BLUE, alpha=0.75, edgecolor="#000000", lw=0.6))
    axes.text(13, -7.3, "32 integers of 4 bits: 20 bytes in all", ha="center", va="top", fontsize=8.5)
    axes.text(20.6, -5.5, "numbers 16 to 31: the high halves", va="center", fontsize=8.5)
    axes.text(20.6, -6.5, "numbers 0 to 15: the low halves", va="center", fontsize=8.5)
    axes.set_xlim(-4, 36)
    axes.set_ylim(-9, 0.4)
    save("blocks", figure)


def draw_strides(save):
    figure, (axes,) = plain(7.2, 2.0)
    for r in range(3):
        for c in range(4):
            color = ORANGE if c in (1, 2) else BLUE
            axes.add_patch(Rectangle((c, -r - 1), 1, 1, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
            axes.text(c + 0.5, -r - 0.5, str(4 * r + c), ha="center", va="center", fontsize=10)
            axes.add_patch(Rectangle((6 + 4 * r + c, -2), 1, 1, facecolor=color, alpha=0.75, edgecolor="#000000", lw=0.6))
            axes.text(6.5 + 4 * r + c, -1.5, str(4 * r + c), ha="center", va="center", fontsize=10)
    axes.text(2, 0.2, "m, [3, 4]", ha="center", va="bottom")
    axes.text(12, 0.2, "memory", ha="center", va="bottom")
    for start in (7, 11):
        axes.annotate("", xy=(start + 4.5, -2.1), xytext=(start + 0.5, -2.1),
                      arrowprops={"arrowstyle": "->", "color": "#000000", "connectionstyle": "arc3,rad=0.35"})
    axes.text(11.5, -3.2, "stride 4", ha="center", va="top", fontsize=9)
    axes.set_xlim(-0.3, 18.3)
    axes.set_ylim(-4, 1.2)
    save("strides", figure)


def draw_speed(data, save):
    rows = sorted({one["rows"] for one in data})
    ways = list(dict.fromkeys(one["way"] for one in data))
    figure, axes = plt.subplots(figsize=(6.4, 3))
    width = 0.8 / len(ways)
    for i, (way, color) in enumerate(zip(ways, (GREY, BLUE, GREEN, ORANGE))):
        shares = [100 * next(one["share"] for one in data if (one["rows"], one["way"]) == (t, way)) for t in rows]
        bars = axes.bar([j + (i - (len(ways) - 1) / 2) * width for j in range(len(rows))], shares, 0.92 * width, color=color, label=way)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
    axes.set_xticks(range(len(rows)), [f"T = {t}" for t in rows])
    axes.set_ylabel("% of this machine's limit")
    axes.set_ylim(0, 1.2 * max(100, *(100 * one["share"] for one in data)))
    axes.axhline(100, color=GREY, lw=0.8, ls=":")
    axes.legend(fontsize=8.5, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1), columnspacing=1, handlelength=1.2)
    save("speed", figure)


def draw_roofline(data, save):
    bandwidth, peak, gemm = (data[key] / 1e9 for key in ("bytes_per_second", "flops_per_second", "gemm_flops_per_second"))
    ridge = peak / bandwidth
    left, right = 0.2, 600
    bottom = 0.5 * min(2 * left * bandwidth, *(point["flops"] / point["seconds"] / 1e9 for point in data["points"]))
    figure, axes = plt.subplots(figsize=(7, 5.2))
    axes.plot([left, ridge, right], [left * bandwidth, peak, peak], color="#000000", lw=1.8)
    axes.plot([gemm / bandwidth, right], [gemm, gemm], color=GREY, lw=1.2, ls="--", label=f"Eigen's product: {gemm:.0f} GFLOP/s")
    axes.text(right, peak * 1.08, f"FMA peak, {peak:.0f} GFLOP/s", ha="right", va="bottom", fontsize=9)
    axes.text(0.3 * ridge, 0.36 * peak, f"read bandwidth,\n{bandwidth:.0f} GB/s", ha="right", va="bottom", fontsize=9)
    axes.axvline(ridge, color=GREY, lw=0.8, ls=":")
    axes.text(ridge * 1.06, 1.1 * bottom, f"ridge, {ridge:.1f}\nFLOPs a byte", ha="left", va="bottom", fontsize=9)
    for point, color in zip(data["points"], (BLUE, ORANGE, GREEN, PURPLE, RED)):
        intensity, rate = point["flops"] / point["bytes"], point["flops"] / point["seconds"] / 1e9
        ring = {"ms": 12, "mfc": "none", "mew": 1.5} if point["name"].startswith("one product") else {"ms": 8}
        axes.plot(intensity, rate, "o", color=color, label=f"{point['name']}: {rate:.0f} GFLOP/s", **ring)
        roof = min(peak, intensity * bandwidth)
        axes.plot([intensity, intensity], [rate, roof], color=color, lw=1, ls="-", alpha=0.6)
    stored = data["stored"]["flops"] / data["stored"]["bytes"]
    axes.plot(stored, min(peak, stored * bandwidth), "v", color=ORANGE, ms=8, mfc="none", mew=1.5, label="decode from the file's own weights: the roof")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, 2.2 * peak)
    axes.set_xlabel("arithmetic intensity, FLOPs a byte")
    axes.set_ylabel("GFLOP/s")
    axes.grid(True, which="major")
    axes.legend(fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    save("roofline", figure)


def draw(data, save):
    draw_product(save)
    draw_formats(save)
    draw_blocks(save)
    draw_strides(save)
    draw_speed(data["speed"], save)
    draw_roofline(data["roofline"], save)
