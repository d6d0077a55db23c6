#!/usr/bin/env python3
"""Compares `./rung tokenize` with llama.cpp's own test vectors on the whole vocabularies of GPT-2, Llama 3 and Llama 2.

  python3 -m venv venv
  venv/bin/pip install gguf
  venv/bin/pip download --no-binary :all: --no-deps llama-cpp-python==0.3.16     # unpack it
  venv/bin/python tests/golden/check_vocabularies.py llama_cpp_python-0.3.16/vendor/llama.cpp/models

The vocabularies are megabytes, so they are not in the repository, and files of a vocabulary alone are no models that Rung
opens: each gets a transformer of one layer and width 8 around it. Exit 1 when any ids differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("gpt-2", "llama-bpe", "llama-spm")
WIDTH = 8


def with_a_model(source, target):
    """Copies the tokenizer of a file and puts the smallest model around it."""
    writer, vocabulary = gguf.GGUFWriter(target, "llama"), 0
    for key, field in gguf.GGUFReader(source).fields.items():
        if not key.startswith("tokenizer."):
            continue
        value = field.contents()
        if key == "tokenizer.ggml.tokens":
            vocabulary = len(value)
        if key == "tokenizer.ggml.token_type":
            writer.add_token_types(value)
        elif field.types[0] == gguf.GGUFValueType.ARRAY:
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, field.types[0])
    for add in (writer.add_context_length, writer.add_embedding_length, writer.add_feed_forward_length):
        add(WIDTH)
    writer.add_block_count(1), writer.add_head_count(2), writer.add_head_count_kv(2), writer.add_layer_norm_rms_eps(1e-5)
    shapes = {"token_embd": (vocabulary, WIDTH), "output_norm": (WIDTH,), "blk.0.attn_norm": (WIDTH,), "blk.0.ffn_norm": (WIDTH,)}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        shapes[f"blk.0.{name}"] = (WIDTH, WIDTH)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", np.full(shape, 0.01, dtype=np.float32))
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("models", type=Path, help="llama.cpp's folder of ggml-vocab-*.gguf with .inp and .out")
    arguments.add_argument("--rung", type=Path, default=ROOT / "build" / "release" / "cli" / "rung-cli")
    options = arguments.parse_args()
    wrong = 0
    for name in NAMES:
        source = options.models / f"ggml-vocab-{name}.gguf"
        texts = Path(f"{source}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
        lines = Path(f"{source}.out").read_text().split("\n")[:len(texts)]
        assert len(texts) == len(lines) > 40
        differing = 0
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / f"{name}.gguf"
            with_a_model(source, model)
            for text, line in zip(texts, lines):
                ran = subprocess.run([options.rung, "tokenize", model, "--json", "--", text], capture_output=True, check=True)
                found, expected = json.loads(ran.stdout)["ids"], [int(number) for number in line.split()]
                if found != expected:
                    differing += 1
                    print(f"{name}: {text!r}: expected {expected}, found {found}")
        print(f"{name:10} {len(texts)} texts, {differing} with other ids")
        wrong += differing
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
