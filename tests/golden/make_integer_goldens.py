#!/usr/bin/env python3
"""Writes tests/golden/integer_stages.json: tiny's perplexity in the stages int8 and int4, by another program.

  apt-get install python3-torch
  python3 -m venv --system-site-packages venv
  venv/bin/pip install "numpy<2" transformers==4.46.3 gguf tokenizers
  venv/bin/pip install --no-deps accelerate==0.34.2 psutil
  venv/bin/python tests/golden/make_integer_goldens.py

These stages hold matrices as blocks and round the input of every matrix to whole multiples of a 127th of the largest of
32 numbers. Here Hugging Face transformers runs the same model with the blocks of the `gguf` package:

- with activations as they are: "perplexity";
- with the inputs of all matrices rounded up or down at random, so that the mean is right, eight times. The "budget" is
  three times the largest share by which this changes the perplexity, the rule of the whole model's budget.

The matrices' types: int8 makes Q8_0 of every matrix; int4 makes Q4_1 of fp16.
"""

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
ROUNDINGS = 8


def load(path):
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, torch_dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    if "output.weight" not in {tensor.name for tensor in gguf.GGUFReader(path).tensors}:
        model.lm_head.weight = model.model.embed_tokens.weight  # tied; this release would leave it random
    return model


def as_blocks(model, kind):
    """Every matrix as blocks of that type, and back to fp32. A row that is no whole number of blocks is filled up."""
    for parameter in model.parameters():  # tied ones come once
        if parameter.dim() != 2:
            continue
        rows = parameter.data.numpy()
        missing = -rows.shape[1] % 32
        filled = np.concatenate([rows, np.repeat(rows[:, -1:], missing, axis=1)], axis=1)
        blocks = gguf.dequantize(gguf.quantize(filled, kind), kind)
        parameter.data = torch.from_numpy(np.ascontiguousarray(blocks[:, :rows.shape[1]]))


def rounding(generator):
    """Before a matrix: its input as whole multiples of a 127th of the largest of 32 numbers, up or down at random."""
    def hook(_, inputs):
        (x,) = inputs
        missing = -x.shape[-1] % 32
        groups = torch.nn.functional.pad(x, (0, missing)).unflatten(-1, (-1, 32))
        scale = groups.abs().amax(-1, keepdim=True) / 127
        steps = groups / torch.where(scale == 0, torch.ones_like(scale), scale)
        steps = torch.floor(steps + torch.rand(steps.shape, generator=generator))
        return ((steps * scale).flatten(-2)[..., :x.shape[-1]],)
    return hook


@torch.no_grad()
def with_roundings(model, run):
    """run() with activations as they are, and then with each of the roundings."""
    exact = run()
    rounded = []
    for seed in range(ROUNDINGS):
        generator = torch.Generator().manual_seed(seed)
        handles = [module.register_forward_pre_hook(rounding(generator)) for module in model.modules()
                   if isinstance(module, torch.nn.Linear)]
        rounded.append(run())
        for handle in handles:
            handle.remove()
    return exact, rounded


def tiny():
    golden = json.loads((GOLDEN / "tiny_perplexity.json").read_text())
    ids, window = torch.tensor(golden["ids"]), golden["window"]

    def perplexity():
        entropies = [torch.nn.functional.cross_entropy(model(part[None, :-1], use_cache=False).logits[0].double(),
                                                       part[1:], reduction="none")
                     for part in ids.split(window) if len(part) > 1]
        return float(torch.exp(torch.cat(entropies).mean()))

    found = {}
    for stage, kind in (("int8", gguf.GGMLQuantizationType.Q8_0), ("int4", gguf.GGMLQuantizationType.Q4_1)):
        model = load(ROOT / "models/tiny.gguf")
        if stage == "int8":
            plain = perplexity()
            assert abs(plain / golden["excerpt"]["model_perplexity"] - 1) < 1e-4, plain  # the same model and protocol
        as_blocks(model, kind)
        exact, rounded = with_roundings(model, perplexity)
        found[stage] = {"perplexity": exact, "budget": 3 * max(abs(p / exact - 1) for p in rounded)}
    return found


def main():
    found = {"by": f"transformers 4.46.3, PyTorch {torch.__version__.split('+')[0]}; written by {Path(__file__).name}", **tiny()}
    (GOLDEN / "integer_stages.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
