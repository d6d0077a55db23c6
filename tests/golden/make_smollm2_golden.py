#!/usr/bin/env python3
"""Writes tests/golden/smollm2_top5.json: what two independent programs make of SmolLM2-135M-Instruct, Q4_1.

  apt-get install python3-torch
  python3 -m venv --system-site-packages venv
  venv/bin/pip install "numpy<2" transformers==4.46.3 gguf tokenizers
  venv/bin/pip install --no-deps accelerate==0.34.2 psutil
  venv/bin/pip install llama-cpp-python==0.3.36      # compiles llama.cpp
  venv/bin/python tests/golden/make_smollm2_golden.py MODEL.gguf

MODEL.gguf is the file that `./rung generate` fetches. Two programs run it, teacher-forced over the same 64 tokens, in
fp32 as our stages do:

- "transformers": Hugging Face transformers, which decodes the blocks itself;
- "llama_cpp": llama.cpp, on a copy of the file with every tensor decoded to fp32 by the `gguf` package. On the file as
  it is, llama.cpp rounds the activations to 8 bits before it multiplies them with the blocks; what that changes is
  measured and kept as "llama_cpp_int8_deviation", for the record: it is several hundred times what fp32 allows, so
  it could hide a mistake and is no golden.

Token ids come from llama.cpp and from the `tokenizers` package, which must agree.
"""

import argparse
import json
import tempfile
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM

POSITIONS = 64
PROMPTS = [
    "The capital of France is",
    "Once upon a time, there was a little girl who lived in a village near the forest.",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)\n",
    "In 1969, 600 million people watched 2 men walk on the Moon; 3.14159 is about pi.",
    "I'm sure they've said she'd be here, but we'll see it's DON'T, isn't it?",
    "  Leading spaces,   several   in a row,\ttabs\t\tand trailing ones   ",
    "Line one\n\n\nLine four\r\nWindows line\n",
    "Größe, naïve café, Ελληνικά, русский, 日本語のテキスト, العربية, हिन्दी",
    "Emoji: 🙂👩‍👩‍👧‍👦🇩🇪, maths: ∑∫≤≠√, currency: €£¥",
    "https://example.org/path?query=1&x=[a]{b}#frag -- C++20: std::vector<int> v = {1, 2, 3};",
]
PASSAGE = ("Water boils at a lower temperature on a mountain than at the sea, because the air above it weighs less. "
           "In 1804, Joseph Gay-Lussac went up in a balloon to 7,016 metres to measure how the air changes. "
           "He found that its composition stays the same, although its pressure does not. def f(x): return x + 1")


def independent_tokenizer(path):
    """SmolLM2's tokenizer from the file's pieces and merges: single digits, then GPT-2's regex, then byte-level BPE."""
    fields = gguf.GGUFReader(path).fields
    pieces = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return tokenizer


def decode_to_fp32(path, out):
    """The same checkpoint with every tensor as fp32."""
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(out, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            writer.add_array(field.name, field.contents())
        else:
            writer.add_key_value(field.name, field.contents(), field.types[0])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, np.ascontiguousarray(numbers.reshape(tensor.shape[::-1])))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_logits(path, tokens, **options):
    llama = llama_cpp.Llama(str(path), n_ctx=256, logits_all=True, n_threads=1, verbose=False, **options)
    llama.eval(tokens)
    return np.array(llama.scores[:len(tokens)])


def difference(a, b):
    """At the worst position, max |a - b| / max |b|."""
    return float((np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)).max())


@torch.no_grad()
def transformers_logits(path, tokens):
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, torch_dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    model.lm_head.weight = model.model.embed_tokens.weight  # tied; this release would leave it random
    return model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()


def top5(logits):
    rows = []
    for row in logits:
        row = row.astype(np.float64)
        ids = np.argsort(-row, kind="stable")[:5]
        largest = np.abs(row).max()
        rows.append({"ids": ids.tolist(), "logits": [round(float(v), 6) for v in row[ids]],
                     "largest": round(float(largest), 6),
                     "logsumexp": round(float(row.max() + np.log(np.exp(row - row.max()).sum())), 6)})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    path = parser.parse_args().model.resolve()
    torch.set_num_threads(1)

    llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    tokenizer = independent_tokenizer(path)
    prompts = []
    for text in PROMPTS + [PASSAGE]:
        ids = llama.tokenize(text.encode(), add_bos=False, special=False)
        assert ids == tokenizer.encode(text, add_special_tokens=False).ids, f"the two tokenizers disagree on {text!r}"
        prompts.append({"text": text, "ids": ids})
    tokens = prompts.pop()["ids"][:POSITIONS]
    assert len(tokens) == POSITIONS

    expected = transformers_logits(path, tokens)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "fp32.gguf"
        decode_to_fp32(path, copy)
        fp32 = {"type_k": llama_cpp.GGML_TYPE_F32, "type_v": llama_cpp.GGML_TYPE_F32}  # keys and values, too
        second = llama_logits(copy, tokens, **fp32)
    rounded = llama_logits(path, tokens)
    print(f"max |a - b| / max |b| at the worst position: llama.cpp in fp32 against transformers "
          f"{difference(second, expected):.2g}; llama.cpp with 8-bit activations {difference(rounded, expected):.2g}, "
          f"same most likely token at {(rounded.argmax(1) == expected.argmax(1)).sum()} of {POSITIONS}")
    assert difference(second, expected) < 2e-5, "the two programs disagree"

    golden = {
        "what": "SmolLM2-135M-Instruct.Q4_1.gguf; written by tests/golden/make_smollm2_golden.py",
        "llama_cpp_int8_deviation": round(difference(rounded, expected), 4),
        "tokens": tokens,
    }
    golden |= {"prompts": prompts, "transformers": top5(expected), "llama_cpp": top5(second)}
    out = Path(__file__).resolve().parent / "smollm2_top5.json"
    out.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    json.loads(out.read_text())


if __name__ == "__main__":
    main()
