#!/usr/bin/env python3
"""Draws the figures of chapters: docs/draw.py N [N …]

Runs `./rung chapter N --json` and hands what it printed to `draw(data, save)` of chapters/NN_name/figures.py, which
calls save("name", figure) for each of its Matplotlib figures. The result is chapters/NN_name/figures/name.svg, which
is committed: readers need no Matplotlib (Debian: python3-matplotlib), and looks right on light and on dark pages.
"""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

# Middle tones that keep a contrast of 3:1 or more to white and to near-black.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#3b82d6", "#d9730d", "#2f9e5b", "#d64545", "#9065d6", "#8a8f98"
# Text and axes are black while drawing; in the file black becomes the reader's text colour.
INK = "#000000"

plt.rcParams.update({
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, GREY]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "grid.color": GREY, "grid.alpha": 0.35,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "rung",
})

STYLE = ('<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>')


def save_svg(figure, path):
    """Writes the figure; the same data give the same bytes."""
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = path.read_text()
    text = re.sub(r"#000000\b", "currentColor", text)
    text = re.sub(r"(<svg [^>]*>)", rf'\1\n {STYLE}', text, count=1)
    text = re.sub(r"<svg ", '<svg fill="currentColor" ', text, count=1)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


def draw(number):
    chapter = next(ROOT.glob(f"chapters/{number:02}_*"))
    ran = subprocess.run([ROOT / "rung", "chapter", str(number), "--json"], stdout=subprocess.PIPE, text=True, check=True)
    spec = importlib.util.spec_from_file_location("figures", chapter / "figures.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "docs"))
    spec.loader.exec_module(module)

    def save(name, figure):
        path = chapter / "figures" / f"{name}.svg"
        save_svg(figure, path)
        print(path.relative_to(ROOT))

    module.draw(json.loads(ran.stdout), save)


if __name__ == "__main__":
    sys.modules["draw"] = sys.modules["__main__"]  # figures.py takes the colours from here
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        draw(int(argument))
