#!/usr/bin/env python3
"""Writes tests/golden/quantize.json: what software that we did not write makes of numbers that follow from a seed.

    pip install gguf==0.19.0 llama-cpp-python==0.3.16        (NumPy 2.4.6 was used)
    python tests/golden/make_quantize_goldens.py

- For each style of numbers and each simple block type: the bytes that the `gguf` package writes, as their FNV-1a hash
  (64 bits) and the first block in hex.
- For the K types, which that package only reads: the root mean square error of what llama.cpp's own ggml writes
  (ggml_quantize_chunk, no importance matrix), read back by the package.

The numbers are the same in tests/chapters/08_quantization/quantize_test.cpp: SplitMix64, four uniform numbers of 24 bits
added, in double, then rounded to fp32.
"""

import ctypes
import glob
import json
import os
import pathlib

import gguf
import llama_cpp
import numpy as np

COUNT = 2048  # numbers of each style: 64 blocks of 32, 8 blocks of 256
MASK = (1 << 64) - 1
SIMPLE = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0"]
SEARCHED = ["Q4_K", "Q6_K"]


def bits(seed):
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def numbers(style, seed):
    stream = bits(seed)
    uniform = lambda: (next(stream) >> 40) * 2.0**-24
    bell = lambda: uniform() + uniform() + uniform() + uniform() - 2
    if style == "random":
        values = [bell() * 0.0625 for _ in range(COUNT)]
    elif style == "constant":
        values = [v for _ in range(COUNT // 32) for v in [bell()] * 32]
    elif style == "zero":
        values = [0.0] * COUNT
    elif style == "huge":
        values = [bell() * 2.0**126 for _ in range(COUNT)]
    elif style == "large":
        values = [bell() * 8192 for _ in range(COUNT)]
    elif style == "tiny":
        values = [bell() * 2.0**-20 for _ in range(COUNT)]
    elif style == "subnormal":
        values = [bell() * 2.0**-133 for _ in range(COUNT)]
    elif style == "positive":
        values = [1 + uniform() / 64 for _ in range(COUNT)]
    elif style == "outliers":
        values = [bell() * (2 if i % 37 == 0 else 0.0625) for i in range(COUNT)]
    elif style == "integers":
        values = [np.floor(uniform() * 16) - 8 + 0.0 for _ in range(COUNT)]
    elif style == "ties":  # for Q8_0 every number is a whole number of steps, or a half more
        values = [127.0 if i % 32 == 0 else np.floor(uniform() * 509 - 254) / 2 + 0.0 for i in range(COUNT)]
    return np.array(values, "<f8").astype("<f4")


STYLES = ["random", "constant", "zero", "huge", "large", "tiny", "subnormal", "positive", "outliers", "integers", "ties"]
ORDINARY = ["random", "large", "positive", "outliers", "integers"]  # within the range of fp16 scales


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return f"{value:016x}"


def load_ggml():
    folder = os.path.join(os.path.dirname(llama_cpp.__file__), "lib")
    library = ctypes.CDLL(glob.glob(os.path.join(folder, "libggml-base.*"))[0])
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    return library


def ggml_error(library, name, values):
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    stored = np.zeros(values.size // elements * size, np.uint8)
    library.ggml_quantize_chunk(int(kind), values.ctypes.data, stored.ctypes.data, 0, values.size // 256, 256, None)
    decoded = gguf.dequantize(stored.reshape(1, -1), kind).ravel()
    return float(np.sqrt(np.mean((decoded.astype("f8") - values.astype("f8")) ** 2)))


def main():
    library = load_ggml()
    result = {}
    for seed, style in enumerate(STYLES, start=1):
        values = numbers(style, seed)
        entry = result[style] = {"seed": seed, "numbers": fnv1a(values.tobytes()), "bytes": {}, "llama_cpp_rms": {}}
        for name in SIMPLE:
            kind = gguf.GGMLQuantizationType[name]
            elements, size = gguf.GGML_QUANT_SIZES[kind]
            with np.errstate(all="ignore"):
                stored = gguf.quantize(values.reshape(1, -1), kind)
            stored = np.ascontiguousarray(stored).view(np.uint8).ravel().tobytes()
            entry["bytes"][name] = {"fnv1a": fnv1a(stored), "first": stored[:size].hex()}
        if style in ORDINARY:
            for name in SEARCHED:
                entry["llama_cpp_rms"][name] = ggml_error(library, name, values)
    path = pathlib.Path(__file__).parent / "quantize.json"
    path.write_text(json.dumps(result, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
