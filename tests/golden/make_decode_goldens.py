#!/usr/bin/env python3
"""Writes tests/golden/decode.bin: blocks of every supported type and the numbers that the `gguf` package decodes
them to, and fp32 numbers with what NumPy rounds them to in fp16. Neither is our own code.

    pip install gguf==0.19.0        (NumPy 2.4.6 was used; any version rounds alike)
    python tests/golden/make_decode_goldens.py

The file is a sequence of records, little-endian: a name of 16 bytes padded with zeros, the number of bytes of the
input, the number of fp32 results (two uint32), the input, the results. The record "to_half" has fp32 as input and
fp16 bits, widened to fp32 numbers, as results.
"""

import pathlib
import struct

import gguf
import numpy as np

TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]
# Where the half-precision scales and minima are in a block.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
# zero, minus zero, least and largest subnormal, least normal, largest, infinities, NaN, and ordinary ones
EDGES = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3C00, 0xB555]


def blocks_of(name, rng):
    """Bytes [blocks, bytes per block]: random numbers with ordinary scales, then edge scales, then extreme numbers."""
    _, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    if name == "F32":
        special = [0, 0x80000000, 1, 0x007FFFFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000]
        return np.concatenate([rng.standard_normal(56).astype("<f4").view("<u4"), np.array(special, "<u4")]).view(np.uint8).reshape(-1, size)
    if name in ("F16", "BF16"):
        # Every exponent with a few mantissas, both signs.
        step = 97 if name == "F16" else 193
        return np.arange(0, 65536, step, dtype="<u2").view(np.uint8).reshape(-1, size)
    random, per_edge = (8, 1) if size < 100 else (3, 0)
    blocks = rng.integers(0, 256, (random + (len(EDGES) if per_edge else 3) + 2, size), dtype=np.uint8)
    for offset in HALVES[name]:
        scales = (rng.standard_normal(len(blocks)) * 0.05).astype("<f2")
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(-1, 2)
    edges = EDGES if per_edge else [0x0001, 0x7BFF, 0x7C00]
    for i, edge in enumerate(edges):
        offset = HALVES[name][i % len(HALVES[name])]
        blocks[random + i, offset : offset + 2] = np.array([edge], "<u2").view(np.uint8)
    for row, byte in ((-2, 0x00), (-1, 0xFF)):  # every number the least, every number the largest
        keep = {o + k: blocks[row, o + k] for o in HALVES[name] for k in (0, 1)}
        blocks[row] = byte
        for position, value in keep.items():
            blocks[row, position] = value
    return blocks


def record(name, stored, numbers):
    stored = np.ascontiguousarray(stored).view(np.uint8).tobytes()
    numbers = np.ascontiguousarray(numbers, dtype="<f4").ravel()
    return struct.pack("<16sII", name.encode(), len(stored), numbers.size) + stored + numbers.tobytes()


def to_half_inputs(rng):
    """Numbers around everything that rounds specially: ties, the overflow edge, subnormals."""
    halves = np.arange(0, 0x7C00, 197, dtype="<u2").view("<f2").astype("<f4")
    next_halves = (np.arange(0, 0x7C00, 197, dtype="<u2") + 1).view("<f2").astype("<f4")
    ties = (halves.astype("<f8") + next_halves.astype("<f8")) / 2
    ties = ties[np.isfinite(ties)].astype("<f4")
    edges = np.array([65504, 65519.996, 65520, 65536, 2**-24, 2**-25, np.nextafter(np.float32(2**-25), np.float32(1)), 2**-26, 0, np.inf, 1e30], "<f4")
    some = np.concatenate([ties, np.nextafter(ties, np.float32(np.inf)), np.nextafter(ties, np.float32(0)), edges])
    return np.concatenate([some, -some, rng.standard_normal(64).astype("<f4")])


def main():
    rng = np.random.default_rng(20240229)
    out = b""
    with np.errstate(all="ignore"):
        for name in TYPES:
            blocks = blocks_of(name, rng)
            flat = blocks.reshape(1, -1)
            numbers = gguf.dequantize(flat, gguf.GGMLQuantizationType[name])
            out += record(name, blocks, numbers)
        inputs = to_half_inputs(rng)
        out += record("to_half", inputs, inputs.astype("<f2").view("<u2").astype("<f4"))
    path = pathlib.Path(__file__).parent / "decode.bin"
    path.write_bytes(out)
    print(f"{path}: {len(out)} bytes")


if __name__ == "__main__":
    main()
