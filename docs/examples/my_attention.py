#!/usr/bin/env python3
"""Attention in NumPy, judged through files.

    ./rung cases attention --out /tmp/cases
    python3 docs/examples/my_attention.py /tmp/cases
    ./rung check attention --outputs /tmp/cases

With --wrong it maps query heads to key/value heads in a way that people really do.
"""

import json
import pathlib
import sys

import numpy as np


def attention(q, k, v, causal, window, first_position, scale, wrong):
    """q [T, H, D], k and v [S, G, D] -> [T, H, D]"""
    queries, heads, _ = q.shape
    keys, kv_heads, _ = k.shape
    position = first_position + np.arange(queries)[:, None]  # [T, 1]
    key = np.arange(keys)[None, :]  # [1, S]
    seen = np.ones((queries, keys), dtype=bool)
    if causal:
        seen &= key <= position
    if window:
        seen &= key > position - window
    out = np.zeros_like(q)
    for h in range(heads):
        g = h % kv_heads if wrong else h // (heads // kv_heads)
        scores = np.where(seen, q[:, h] @ k[:, g].T * np.float32(scale), -np.inf)  # [T, S]
        for t in range(queries):
            visible = seen[t]
            if not visible.any():  # a row that sees nothing is 0
                continue
            weights = np.exp(scores[t, visible] - scores[t, visible].max())
            out[t, h] = weights @ v[visible, g] / weights.sum()
    return out


def main():
    folder, wrong = pathlib.Path(sys.argv[1]), "--wrong" in sys.argv[2:]
    for case in json.loads((folder / "cases.json").read_text())["cases"]:
        case = folder / case
        params = json.loads((case / "params.json").read_text())["params"]
        # f16 comes as float16, bf16 as float32 that holds bfloat16 numbers; both are computed in float32 here.
        q, k, v = (np.load(case / f"{name}.npy").astype(np.float32) for name in "qkv")
        p = {name: params[name] for name in ("causal", "window", "first_position", "scale")}
        np.save(case / "out.npy", attention(q, k, v, **p, wrong=wrong))


if __name__ == "__main__":
    main()
