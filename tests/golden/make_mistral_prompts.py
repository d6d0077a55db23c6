#!/usr/bin/env python3
"""Writes tests/golden/mistral_prompts/: prompts around a sliding window, and what Hugging Face transformers says next.

  apt-get install python3-torch
  python3 -m venv --system-site-packages venv
  venv/bin/pip install "numpy<2" transformers==4.46.3 safetensors
  venv/bin/python tests/golden/make_mistral_prompts.py

The model is tests/golden/hf/mistral_window (make_hf_goldens.py): random weights, a window of 8. prompts.json has the
tokens of every prompt, from 5 to 40 of them, each its own; logits.npy the fp32 logits behind the last token of each,
[prompts, vocab]. The script also checks that a window of 7 or 9 changes what is said to every prompt that the window
matters for, a hundred times more than the tests tolerate, and nothing where it does not.
"""

import json
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, MistralForCausalLM

HERE = Path(__file__).resolve().parent
MODEL = HERE / "hf" / "mistral_window"
LENGTHS = [5, 6, 7, 8, 9, 10, 15, 16, 17, 24, 31, 40]
TOLERANCE = 1e-4  # of the tests


def load(window):
    config = AutoConfig.from_pretrained(MODEL)
    config.sliding_window = window
    return MistralForCausalLM.from_pretrained(MODEL, config=config, torch_dtype=torch.float32,
                                              attn_implementation="eager").eval()


@torch.no_grad()
def last_logits(model, prompts):
    return np.stack([model(torch.tensor([tokens]), use_cache=False).logits[0, -1].float().numpy() for tokens in prompts])


def main():
    torch.set_num_threads(1)
    window = AutoConfig.from_pretrained(MODEL).sliding_window
    assert window == 8
    random = np.random.default_rng(77)
    prompts = [random.integers(0, AutoConfig.from_pretrained(MODEL).vocab_size, n).tolist() for n in LENGTHS]
    logits = last_logits(load(window), prompts)
    assert np.isfinite(logits).all()
    for other in (window - 1, window + 1):
        changes = np.abs(last_logits(load(other), prompts) - logits).max(axis=1) / np.abs(logits).max(axis=1)
        for tokens, change in zip(prompts, changes):
            matters = len(tokens) >= min(window, other) + 1
            print(f"window {other}, {len(tokens)} tokens: {change:.2g}")
            assert change > 100 * TOLERANCE if matters else change < TOLERANCE / 10
    folder = HERE / "mistral_prompts"
    folder.mkdir(exist_ok=True)
    np.save(folder / "logits.npy", logits)
    (folder / "prompts.json").write_text("[\n" + ",\n".join("  " + json.dumps(p) for p in prompts) + "\n]\n")


if __name__ == "__main__":
    main()
