#!/usr/bin/env python3
"""Writes tests/golden/routing.json: what three mixtures of experts do with the same rows, by their published code.

  apt-get install python3-torch
  python3 -m venv --system-site-packages venv
  venv/bin/pip install "numpy<2" transformers==4.46.3
  venv/bin/pip download --no-deps transformers==4.53.3
  venv/bin/python tests/golden/make_routing_goldens.py transformers-4.53.3-py3-none-any.whl

Mixtral's and Qwen2-MoE's blocks come from transformers 4.46.3. DeepSeek-V3's is younger than that, and what has it wants
a newer PyTorch: its classes are taken out of the wheel of 4.53.3 as they are, and run.

All inputs and weights are numbers(count, seed), which the tests make for themselves; so the file holds only what comes
out: the experts of each row by falling score, their weights, and the block's output: fp64, but for what the code casts to
fp32 itself, and DeepSeek-V3's block, which mixes no types: fp32.
"""

import ast
import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from transformers import MixtralConfig, Qwen2MoeConfig
from transformers.activations import ACT2FN
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock
from transformers.models.qwen2_moe.modeling_qwen2_moe import Qwen2MoeSparseMoeBlock

HERE = Path(__file__).resolve().parent
ROWS, HIDDEN = 6, 8


def numbers(count, seed):
    """Without a pattern, in [-1, 1), and exact in fp32."""
    return torch.tensor([((i * 389 + seed * 97) * (i + seed + 7) % 1021) / 512 - 1 for i in range(count)], dtype=torch.float64)


def fill(linear, seed):
    weight = linear.weight
    weight.data = numbers(weight.numel(), seed).view(weight.shape).to(weight.dtype)


def deepseek_classes(wheel):
    source = zipfile.ZipFile(wheel).read("transformers/models/deepseek_v3/modeling_deepseek_v3.py").decode()
    wanted = ("DeepseekV3MLP", "DeepseekV3TopkRouter", "DeepseekV3MoE")
    scope = {"torch": torch, "nn": nn, "F": F, "ACT2FN": ACT2FN}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name in wanted:
            exec(compile(ast.Module(body=[node], type_ignores=[]), wheel, "exec"), scope)
    return scope["DeepseekV3MoE"]


def ranked(keys, used):
    """The `used` highest of each row, highest first, with a margin that fp32 does not bridge."""
    values, order = keys.double().sort(dim=-1, descending=True)
    assert (values[:, :used] - values[:, 1 : used + 1]).min() > 1e-3, "a near tie"
    return order[:, :used]


def golden(chosen, weights, output):
    def rows(values):
        return [[float(f"{value:.9g}") for value in row] for row in values.tolist()]

    return {"chosen": chosen.tolist(), "weights": rows(weights), "output": rows(output)}


def mixtral(x):
    block = MixtralSparseMoeBlock(MixtralConfig(hidden_size=HIDDEN, intermediate_size=6, num_local_experts=8, num_experts_per_tok=2)).double().eval()
    fill(block.gate, 1)
    for e, expert in enumerate(block.experts):
        for part, linear in enumerate((expert.w1, expert.w3, expert.w2)):
            fill(linear, 10 + 3 * e + part)
    output, scores = block(x[None])
    chosen = ranked(scores, 2)
    weights = F.softmax(scores, dim=-1).gather(1, chosen)
    return golden(chosen, weights / weights.sum(dim=-1, keepdim=True), output[0])


def qwen(x):
    config = Qwen2MoeConfig(hidden_size=HIDDEN, moe_intermediate_size=5, shared_expert_intermediate_size=10, num_experts=12,
                            num_experts_per_tok=4, norm_topk_prob=False)
    block = Qwen2MoeSparseMoeBlock(config).double().eval()
    fill(block.gate, 2)
    fill(block.shared_expert_gate, 3)
    for e, expert in enumerate([*block.experts, block.shared_expert]):
        for part, linear in enumerate((expert.gate_proj, expert.up_proj, expert.down_proj)):
            fill(linear, 40 + 3 * e + part)
    output, scores = block(x[None])
    chosen = ranked(scores, 4)
    return golden(chosen, F.softmax(scores, dim=-1).gather(1, chosen), output[0])


def deepseek(x, wheel):
    config = SimpleNamespace(hidden_size=HIDDEN, intermediate_size=0, moe_intermediate_size=5, hidden_act="silu", n_routed_experts=16, n_shared_experts=1,
                             num_experts_per_tok=4, n_group=4, topk_group=2, norm_topk_prob=True, routed_scaling_factor=2.5)
    block = deepseek_classes(wheel)(config).eval()
    fill(block.gate, 4)
    block.gate.e_score_correction_bias = (numbers(16, 5) / 4 + 0.25).float()  # in [0, 0.5): no expert of an open group falls below the closed ones' 0
    for e, expert in enumerate([*block.experts, block.shared_experts]):
        for part, linear in enumerate((expert.gate_proj, expert.up_proj, expert.down_proj)):
            fill(linear, 80 + 3 * e + part)
    indices, weights = block.gate(x)
    keys = F.linear(x, block.gate.weight).sigmoid() + block.gate.e_score_correction_bias
    of_group = keys.view(ROWS, 4, 4).topk(2, dim=-1)[0].sum(dim=-1)
    ranked(of_group, 2)
    order = keys.gather(1, indices).argsort(dim=-1, descending=True)
    chosen = indices.gather(1, order)
    closed = torch.ones_like(keys).scatter(1, chosen, 0).bool()
    for row in range(ROWS):  # the highest that was open and not chosen is far enough below
        open_groups = {int(e) // 4 for e in of_group[row].topk(2)[1] * 4}
        rest = [keys[row, e] for e in range(16) if e // 4 in open_groups and closed[row, e]]
        assert keys[row, chosen[row, -1]] - max(rest) > 1e-3, "a near tie"
    plain = keys.topk(4, dim=-1)[1].sort(dim=-1)[0]
    assert (plain != chosen.sort(dim=-1)[0]).any(), "the groups change nothing"
    return golden(chosen, weights.gather(1, order), block(x[None])[0])


def main(wheel):
    x = numbers(ROWS * HIDDEN, 0).view(ROWS, HIDDEN)
    with torch.no_grad():
        found = {"mixtral": mixtral(x), "qwen2_moe": qwen(x), "deepseek_v3": deepseek(x.float(), wheel)}
    for name, block in found.items():
        counts = torch.bincount(torch.tensor(block["chosen"]).flatten()).tolist()
        print(f"{name}: rows of each expert {counts}, weights of row 0 {block['weights'][0]}")
    lines = ['"by": "transformers 4.46.3 and, deepseek_v3, 4.53.3, with PyTorch ' + torch.__version__ + '; written by make_routing_goldens.py"']
    lines += [f'"{name}": ' + json.dumps(block, separators=(",", ":")) for name, block in found.items()]
    (HERE / "routing.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])
