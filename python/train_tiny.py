#!/usr/bin/env python3
"""Trains models/tiny.gguf: a Llama-shaped model of 0.9 million parameters on the King James Bible.

The text is in the public domain and comes from Debian's packages bible-kjv and bible-kjv-text. Two books, Judges and
Acts, are held out. A byte-level BPE vocabulary of 1024 pieces is trained on the rest.

  apt-get install bible-kjv bible-kjv-text python3-torch libopenblas0-pthread
  python3 -m venv --system-site-packages venv && venv/bin/pip install "numpy<2" tokenizers gguf
  venv/bin/python python/train_tiny.py                  # about a quarter of an hour on one core

Writes models/tiny.gguf, and for the tests models/tiny_heldout.txt (an excerpt of the held-out books) with
tests/golden/tiny_perplexity.json (its tokens and what PyTorch, a bigram and a unigram model make of them).
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = Path(__file__).resolve().parent.parent
SEED = 1611
VOCAB = 1024
CONTEXT = 512
LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, FEED_FORWARD = 4, 128, 6, 2, 32, 320
THETA, NORM_EPS = 10000.0, 1e-5
END = "<|endoftext|>"  # between chapters; id 0
TOKENS_PER_STEP = 2048


# ---------------------------------------------------------------- the text

def chapters():
    """[(book, text of one chapter)], one verse a line, in the order of the Bible."""
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}  # it would break the lines
    out = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], env=environment, capture_output=True, text=True, check=True)
    found = []
    for line in out.stdout.splitlines():
        book, chapter, verse = re.fullmatch(r"(\d?[A-Za-z]+)(\d+):\d+ (.*)", line).groups()
        if not found or found[-1][:2] != (book, chapter):
            found.append((book, chapter, []))
        found[-1][2].append(verse + "\n")
    assert len(found) == 1189, f"expected the 1189 chapters of the King James Bible, found {len(found)}"
    return [(book, chapter, "".join(verses)) for book, chapter, verses in found]


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)  # GPT-2's regex
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=[END], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    return tokenizer


def encode_chapters(tokenizer, texts):
    ids = []
    for encoding in tokenizer.encode_batch(texts):
        ids += encoding.ids + [tokenizer.token_to_id(END)]
    return np.array(ids, dtype=np.int64)


# ---------------------------------------------------------------- the model, named as Hugging Face names it

def rotation(length):
    frequencies = THETA ** (-torch.arange(0, HEAD_DIM, 2, dtype=torch.float64) / HEAD_DIM)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies)
    return angles.cos().float(), angles.sin().float()  # [length, D/2]


def rotate(x, cos, sin):  # [batch, heads, length, D], pairs (i, i + D/2)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def new_weights():
    """Normal weights; those that add to the residual stream are smaller, by the number of such additions."""
    generator = torch.Generator().manual_seed(SEED)

    def normal(rows, columns, std):
        return (torch.randn(rows, columns, generator=generator) * std).requires_grad_()

    std, residual = HIDDEN ** -0.5 / 2, HIDDEN ** -0.5 / 2 / math.sqrt(2 * LAYERS)
    w = {"embedding": normal(VOCAB, HIDDEN, 0.04), "norm": torch.ones(HIDDEN, requires_grad=True)}
    for n in range(LAYERS):
        w[f"{n}.attn_norm"] = torch.ones(HIDDEN, requires_grad=True)
        w[f"{n}.q"] = normal(HEADS * HEAD_DIM, HIDDEN, std)
        w[f"{n}.k"] = normal(KV_HEADS * HEAD_DIM, HIDDEN, std)
        w[f"{n}.v"] = normal(KV_HEADS * HEAD_DIM, HIDDEN, std)
        w[f"{n}.o"] = normal(HIDDEN, HEADS * HEAD_DIM, residual)
        w[f"{n}.ffn_norm"] = torch.ones(HIDDEN, requires_grad=True)
        w[f"{n}.gate"] = normal(FEED_FORWARD, HIDDEN, std)
        w[f"{n}.up"] = normal(FEED_FORWARD, HIDDEN, std)
        w[f"{n}.down"] = normal(HIDDEN, FEED_FORWARD, residual)
    return w


def rms_norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPS) * weight


def forward(w, tokens):
    """tokens [batch, length] -> logits [batch, length, VOCAB]"""
    batch, length = tokens.shape
    cos, sin = rotation(length)
    mask = torch.full((length, length), -math.inf).triu(1)
    x = F.embedding(tokens, w["embedding"])
    for n in range(LAYERS):
        h = rms_norm(x, w[f"{n}.attn_norm"])
        q, k, v = ((h @ w[f"{n}.{name}"].T).view(batch, length, -1, HEAD_DIM).transpose(1, 2) for name in "qkv")
        q, k = rotate(q, cos, sin) * HEAD_DIM ** -0.5, rotate(k, cos, sin)
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, dim=1) for t in (k, v))
        p = (q @ k.transpose(-1, -2)).add_(mask).softmax(-1)
        x = x + (p @ v).transpose(1, 2).reshape(batch, length, -1) @ w[f"{n}.o"].T
        h = rms_norm(x, w[f"{n}.ffn_norm"])
        x = x + (F.silu(h @ w[f"{n}.gate"].T) * (h @ w[f"{n}.up"].T)) @ w[f"{n}.down"].T
    return rms_norm(x, w["norm"]) @ w["embedding"].T


def train(data, steps):
    torch.manual_seed(SEED)
    w = new_weights()
    matrices = [t for t in w.values() if t.dim() == 2]
    vectors = [t for t in w.values() if t.dim() == 1]
    peak = 3e-3
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=peak, betas=(0.9, 0.95))
    draw = np.random.default_rng(SEED)
    started = time.time()
    for step in range(steps):
        # Short windows first, because attention over long ones is most of the time and most of what there is to
        # learn is nearby; then the whole context.
        length = 128 if step < 0.9 * steps else CONTEXT
        starts = draw.integers(0, len(data) - length - 1, TOKENS_PER_STEP // length)
        window = torch.from_numpy(np.stack([data[s:s + length + 1] for s in starts]))
        rate = peak * min(1.0, (step + 1) / 50) * max(0.01, 1 - step / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(forward(w, window[:, :-1]).reshape(-1, VOCAB), window[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.time() - started:.0f} s", file=sys.stderr, flush=True)
    return {name: t.detach() for name, t in w.items()}


# ---------------------------------------------------------------- how good it is

def windows(data):
    """Windows of CONTEXT tokens, one after the other; in each the first token is given and the others are predicted."""
    return [data[s:s + CONTEXT] for s in range(0, len(data) - 1, CONTEXT)]


@torch.no_grad()
def model_nll(w, data):
    """Sum over the predicted tokens of -ln p."""
    total = 0.0
    for window in windows(data):
        if len(window) > 1:
            logits = forward(w, torch.from_numpy(window[None, :-1]))[0]
            total += F.cross_entropy(logits.double(), torch.from_numpy(window[1:]), reduction="sum").item()
    return total


class Bigrams:
    """Counts over the training tokens, smoothed by absolute discounting (0.75) down to unigrams plus one."""

    def __init__(self, data):
        counts = np.bincount(data, minlength=VOCAB) + 1.0
        self.unigram = counts / counts.sum()
        self.pairs = Counter(zip(data[:-1].tolist(), data[1:].tolist()))
        self.firsts, self.followers = Counter(), Counter()
        for (first, _), n in self.pairs.items():
            self.firsts[first] += n
            self.followers[first] += 1

    def probability(self, first, second):
        n = self.firsts[first]
        if n == 0:
            return self.unigram[second]
        seen = max(self.pairs[first, second] - 0.75, 0.0) / n
        return seen + 0.75 * self.followers[first] / n * self.unigram[second]

    def nll(self, data):
        pairs = [p for window in windows(data) for p in zip(window[:-1].tolist(), window[1:].tolist())]
        return (-sum(math.log(self.probability(a, b)) for a, b in pairs),
                -sum(math.log(self.unigram[b]) for _, b in pairs))


def evaluate(w, bigrams, tokenizer, data):
    """Perplexities per token and bits per byte of the model, the bigrams and the unigrams."""
    predicted = [t for window in windows(data) for t in window[1:].tolist()]
    size = sum(len(tokenizer.decode([t] if t else [])) for t in predicted)  # the text is ASCII
    nll = dict(zip(("model", "bigram", "unigram"), (model_nll(w, data), *bigrams.nll(data))))
    return {"tokens_predicted": len(predicted),
            **{f"{name}_perplexity": math.exp(v / len(predicted)) for name, v in nll.items()},
            **{f"{name}_bits_per_byte": v / math.log(2) / size for name, v in nll.items()}}


# ---------------------------------------------------------------- the file

def interleaved_rows(weight, heads):
    """GGUF's llama wants rows (0, D/2, 1, D/2 + 1, ...) of each head, for RoPE pairs (2i, 2i + 1)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(path, w, tokenizer):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_description("Rung's tiny model: King James Bible, held out: Judges and Acts")
    writer.add_license("public domain")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_rope_freq_base(THETA)
    writer.add_layer_norm_rms_eps(NORM_EPS)
    writer.add_vocab_size(VOCAB)

    bpe = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(bpe["vocab"], key=bpe["vocab"].get)
    assert len(pieces) == VOCAB and pieces[0] == END
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (VOCAB - 1))
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)

    def add(name, tensor, heads=0):
        array = tensor.numpy()
        if heads:
            array = interleaved_rows(array, heads)
        writer.add_tensor(name, np.ascontiguousarray(array.astype(np.float16 if array.ndim == 2 else np.float32)))

    add("token_embd.weight", w["embedding"])
    for n in range(LAYERS):
        add(f"blk.{n}.attn_norm.weight", w[f"{n}.attn_norm"])
        add(f"blk.{n}.attn_q.weight", w[f"{n}.q"], HEADS)
        add(f"blk.{n}.attn_k.weight", w[f"{n}.k"], KV_HEADS)
        add(f"blk.{n}.attn_v.weight", w[f"{n}.v"])
        add(f"blk.{n}.attn_output.weight", w[f"{n}.o"])
        add(f"blk.{n}.ffn_norm.weight", w[f"{n}.ffn_norm"])
        add(f"blk.{n}.ffn_gate.weight", w[f"{n}.gate"])
        add(f"blk.{n}.ffn_up.weight", w[f"{n}.up"])
        add(f"blk.{n}.ffn_down.weight", w[f"{n}.down"])
    add("output_norm.weight", w["norm"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def continuation(w, tokenizer, prompt, count):
    """Greedy."""
    ids = tokenizer.encode(prompt).ids
    for _ in range(count):
        ids.append(forward(w, torch.tensor([ids]))[0, -1].argmax().item())
    return tokenizer.decode(ids)


def main():
    parser = argparse.ArgumentParser(description="Trains models/tiny.gguf.")
    parser.add_argument("--steps", type=int, default=2400)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)  # sums in one order: the same file from the same library versions

    text = chapters()
    tokenizer = train_tokenizer([t for book, _, t in text if book not in ("Jdgs", "Acts")])
    train_data = encode_chapters(tokenizer, [t for book, _, t in text if book not in ("Jdgs", "Acts")])
    heldout_data = encode_chapters(tokenizer, [t for book, _, t in text if book in ("Jdgs", "Acts")])
    print(f"{len(train_data)} tokens to train on, {len(heldout_data)} held out", file=sys.stderr)

    w = train(train_data, steps)
    for name, tensor in w.items():  # what is judged below is what the file holds
        if tensor.dim() == 2:
            w[name] = tensor.half().float()
    write_gguf(ROOT / "models/tiny.gguf", w, tokenizer)

    excerpt = "".join(t for book, chapter, t in text if (book, chapter) in
                      (("Jdgs", "14"), ("Jdgs", "16"), ("Acts", "9")))
    (ROOT / "models/tiny_heldout.txt").write_text(excerpt)
    bigrams = Bigrams(train_data)
    ids = tokenizer.encode(excerpt).ids
    golden = {
        "what": "models/tiny_heldout.txt under models/tiny.gguf, by PyTorch in fp32; written by python/train_tiny.py",
        "protocol": f"windows of {CONTEXT} tokens, one after the other; the first token of each is given",
        "window": CONTEXT, "steps": steps,
        "parameters": sum(t.numel() for t in w.values()),
        "excerpt": evaluate(w, bigrams, tokenizer, np.array(ids)),
        "heldout_books": evaluate(w, bigrams, tokenizer, heldout_data),
        "greedy": [continuation(w, tokenizer, prompt, 24) for prompt in
                   ("In the beginning God created", "And the LORD said unto", "Then answered Jesus")],
        "ids": ids,
    }
    path = ROOT / "tests/golden/tiny_perplexity.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(json.dumps({k: v for k, v in golden.items() if k != "ids"}, indent=1))


if __name__ == "__main__":
    main()
