"""Writes goldens.h: what PyTorch and Hugging Face transformers compute for the ops of core/oracle, in double.

Made with torch 1.13 and transformers 4.46.3:  python make_goldens.py > goldens.h
"""

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb, repeat_kv

torch.manual_seed(20250101)
torch.set_default_dtype(torch.float64)


def put(name, tensor):
    numbers = ", ".join(f"{x:.17g}" for x in tensor.flatten().tolist())
    print(f"inline const std::vector<double> {name} = {{{numbers}}};")


def frequencies(theta, head_dim, scaling):
    config = LlamaConfig(
        rope_theta=theta,
        hidden_size=head_dim * 2,
        num_attention_heads=2,
        max_position_embeddings=131072,
        rope_scaling=scaling,
    )
    kind = scaling["rope_type"] if scaling else "default"
    return ROPE_INIT_FUNCTIONS[kind](config, device=None)[0].double()


print("// Written by make_goldens.py; do not edit.")
print("#pragma once\n\n#include <limits>\n#include <vector>\n\nnamespace goldens {\n")

x, w = torch.randn(3, 5), torch.randn(4, 5)
put("linear_x", x)
put("linear_w", w)
put("linear_y", torch.nn.functional.linear(x, w))

x, w = torch.randn(3, 7) * torch.tensor([[1.0], [1e-3], [100.0]]), torch.randn(7)
norm = LlamaRMSNorm(7, eps=1e-5)
norm.weight = torch.nn.Parameter(w)
put("rms_norm_x", x)
put("rms_norm_weight", w)
put("rms_norm_y", norm(x))  # transformers computes this in fp32

x = torch.randn(3, 6) * torch.tensor([[1.0], [200.0], [-30.0]]) - 50
put("softmax_x", x)
put("softmax_y", torch.softmax(x, dim=-1))

gate, up = torch.randn(12) * 4, torch.randn(12)
put("swiglu_gate", gate)
put("swiglu_up", up)
put("swiglu_y", torch.nn.functional.silu(gate) * up)

put("frequencies_plain", frequencies(10000.0, 16, None))
put("frequencies_linear", frequencies(10000.0, 16, {"rope_type": "linear", "factor": 4.0}))
put(
    "frequencies_llama3",
    frequencies(
        500000.0,
        64,
        {
            "rope_type": "llama3",
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    ),
)

# [T=3, H=2, D=16] from position 11 on, in both layouts: transformers turns halves, Meta's code complex numbers.
x = torch.randn(3, 2, 16)
angles = torch.outer(torch.arange(11, 14, dtype=torch.float64), 10000.0 ** (-torch.arange(0, 16, 2) / 16))
table = torch.cat((angles, angles), dim=-1)[None]
put("rope_x", x)
half, _ = apply_rotary_pos_emb(x.transpose(0, 1)[None], x.transpose(0, 1)[None], table.cos(), table.sin())
put("rope_half_split", half[0].transpose(0, 1))
turned = torch.view_as_complex(x.reshape(3, 2, 8, 2)) * torch.polar(torch.ones_like(angles), angles)[:, None]
put("rope_interleaved", torch.view_as_real(turned))

# T=4 queries at positions 3 … 6 of S=7 keys, H=4 heads on G=2, D=6; causal, then a window of 3 as well.
q, k, v = torch.randn(4, 4, 6), torch.randn(7, 2, 6), torch.randn(7, 2, 6)
put("attention_q", q)
put("attention_k", k)
put("attention_v", v)
keys = repeat_kv(k.transpose(0, 1)[None], 2)
values = repeat_kv(v.transpose(0, 1)[None], 2)
scores = q.transpose(0, 1)[None] @ keys.transpose(2, 3) * 0.4
seen = torch.ones(4, 7, dtype=torch.bool).tril(3)
for name, mask in (("causal", seen), ("window", seen & ~torch.ones(4, 7, dtype=torch.bool).tril(0))):
    masked = scores.masked_fill(~mask, float("-inf"))
    put(f"attention_{name}", (torch.softmax(masked, dim=-1) @ values)[0].transpose(0, 1))
    put(f"attention_{name}_lse", torch.logsumexp(masked, dim=-1)[0].transpose(0, 1))

print("\n}  // namespace goldens")
