#!/usr/bin/env python3
"""Writes tests/golden/hf/ and tests/golden/gguf/: tiny random models and the logits Hugging Face transformers gives.

  apt-get install python3-torch
  python3 -m venv --system-site-packages venv
  venv/bin/pip install "numpy<2" transformers==4.46.3 safetensors gguf
  venv/bin/python tests/golden/make_hf_goldens.py

Every case is a Hugging Face directory with logits.npy: fp32, [positions, vocab], teacher-forced over the tokens that
cases.json names. Some are written once more as GGUF, with the rows of q and k in the order GGUF's llama has them.
For a mixture of experts cases.json has the chosen experts too: [layer][position][k], best first.
Names as arguments write these cases alone, and leave the others as they are.
The script also checks that usual mistakes (RoPE pairs the other way, the scaling left out, a window one too wide,
...) would change these logits a hundred times more than the tests tolerate, and prints by how much.
"""

import copy
import json
import math
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, MixtralConfig, MixtralForCausalLM

HERE = Path(__file__).resolve().parent
POSITIONS = 40
TOLERANCE = 1e-4  # of the tests: max |a - b| / max |b| at a position
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}

# name: (what, family, dtype, options, config). Dimensions differ from each other so that a mix-up fails.
CASES = {
    "llama_mha": ("multi-head, untied, a large norm epsilon", "llama", torch.float16, {}, dict(
        hidden_size=24, intermediate_size=32, num_attention_heads=4, num_key_value_heads=4, vocab_size=64,
        rms_norm_eps=0.05, tie_word_embeddings=False)),
    "llama_gqa_tied": ("grouped-query, tied, bf16", "llama", torch.bfloat16, {}, dict(
        hidden_size=48, intermediate_size=40, num_attention_heads=6, num_key_value_heads=2, vocab_size=72,
        rms_norm_eps=1e-6, tie_word_embeddings=True)),
    "llama_mqa": ("multi-query, untied, fp16", "llama", torch.float16, {}, dict(
        hidden_size=40, intermediate_size=48, num_attention_heads=5, num_key_value_heads=1, vocab_size=66,
        rms_norm_eps=1e-5, tie_word_embeddings=False)),
    "llama_head_dim": ("head_dim 20 where hidden / heads is 9, theta 500000", "llama", torch.float16, {"gguf": "F16"}, dict(
        hidden_size=36, intermediate_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=20, vocab_size=70,
        rope_theta=500000.0, rms_norm_eps=1e-5, tie_word_embeddings=False)),
    "llama3_rope": ("Llama 3 RoPE scaling past the original context, tied", "llama", torch.bfloat16, {"gguf": "BF16"}, dict(
        hidden_size=32, intermediate_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=16, vocab_size=64,
        rope_scaling=LLAMA3, rms_norm_eps=1e-5, tie_word_embeddings=True)),
    "llama_linear_rope": ("linear RoPE scaling, multi-head, head_dim 12", "llama", torch.float16, {"gguf": "F16"}, dict(
        hidden_size=24, intermediate_size=28, num_attention_heads=2, num_key_value_heads=2, vocab_size=68,
        rope_scaling={"rope_type": "linear", "factor": 4.0}, rms_norm_eps=1e-5, tie_word_embeddings=True)),
    "mistral_window": ("a sliding window of 8, untied, in shards", "mistral", torch.float32, {"shard": "25KB"}, dict(
        hidden_size=24, intermediate_size=36, num_attention_heads=4, num_key_value_heads=2, head_dim=8, vocab_size=64,
        sliding_window=8, rms_norm_eps=1e-5, tie_word_embeddings=False)),
    "mistral_full": ("no window, head_dim 12, fp16", "mistral", torch.float16, {}, dict(
        hidden_size=36, intermediate_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=12, vocab_size=74,
        sliding_window=None, rms_norm_eps=1e-5, tie_word_embeddings=False)),
    "mixtral": ("two of five experts, multi-query, bf16", "mixtral", torch.bfloat16, {"gguf": "BF16"}, dict(
        hidden_size=16, intermediate_size=12, num_attention_heads=4, num_key_value_heads=1, vocab_size=32,
        num_local_experts=5, num_experts_per_tok=2, rms_norm_eps=1e-5, rope_theta=1e4, tie_word_embeddings=False)),
}


def new_model(family, config):
    make_config, make_model = {"llama": (LlamaConfig, LlamaForCausalLM), "mistral": (MistralConfig, MistralForCausalLM),
                               "mixtral": (MixtralConfig, MixtralForCausalLM)}[family]
    made = make_config(num_hidden_layers=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
                       attn_implementation="eager", **config)
    return make_model(made).eval()


def randomise(model, seed):
    """Larger weights than a fresh model's, so that every part moves the logits; norms that are not all ones."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        normal = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter.data = 1 + 0.3 * normal
        elif "embed_tokens" in name:
            parameter.data = normal * 0.5
        elif "q_proj" in name or "k_proj" in name:
            parameter.data = normal * 1.4 / math.sqrt(parameter.shape[1])  # attention that is not nearly uniform
        else:
            parameter.data = normal / math.sqrt(parameter.shape[1])


@torch.no_grad()
def logits_of(model, tokens):
    return model(torch.tensor([tokens]), use_cache=False).logits[0].float().numpy()


@torch.no_grad()
def chosen_experts(model, tokens):
    """[layer][position][k], best first, and the smallest distance between two scores that a choice hangs on."""
    k = model.config.num_experts_per_tok
    scores = model(torch.tensor([tokens]), use_cache=False, output_router_logits=True).router_logits
    best = [torch.topk(torch.softmax(layer.float(), dim=1), k + 1) for layer in scores]
    margin = min(float((layer.values[:, :-1] / layer.values[:, 1:]).log().min()) for layer in best)
    return [layer.indices[:, :k].tolist() for layer in best], margin


def difference(a, b):
    """What the tests measure: per position max |a - b| / max |b|, the worst position."""
    return float((np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)).max())


def interleaved_rows(weight, heads):
    """GGUF's llama wants rows (0, D/2, 1, D/2 + 1, ...) of each head, for RoPE pairs (2i, 2i + 1)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def mistakes(model, tokens, logits):
    """By how much usual mistakes change the logits."""
    config = model.config
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    def with_config(**changes):
        changed = copy.deepcopy(config)
        for key, value in changes.items():
            setattr(changed, key, value)
        other = type(model)(changed).eval()
        other.load_state_dict(model.state_dict())
        return logits_of(other, tokens)

    def with_weights(change):
        other = copy.deepcopy(model)
        for name, parameter in other.named_parameters():
            heads = {"q": config.num_attention_heads, "k": config.num_key_value_heads}.get(name.split(".")[-2][0])
            parameter.data = change(name, parameter.data, heads)
        return logits_of(other, tokens)

    found = {
        "RoPE pairs the other way": with_weights(
            lambda name, w, heads: interleaved_rows(w, heads) if "q_proj" in name or "k_proj" in name else w),
        "RoPE theta 10 % off": with_config(rope_theta=config.rope_theta * 1.1),
        "epsilon a tenth": with_config(rms_norm_eps=config.rms_norm_eps / 10) if config.rms_norm_eps > 1e-3 else None,
        "norm weights left out": with_weights(lambda name, w, heads: torch.ones_like(w) if w.dim() == 1 else w),
        "attention scale of D + 2": with_weights(
            lambda name, w, heads: w * (dim / (dim + 2)) ** 0.5 if "q_proj" in name else w),
        "RoPE scaling left out": with_config(rope_scaling=None) if getattr(config, "rope_scaling", None) else None,
    }
    if 1 < config.num_key_value_heads < config.num_attention_heads:
        def swapped(name, w, heads):  # query heads in the order that h % G would give
            order = np.argsort(np.arange(heads or 0) % config.num_key_value_heads, kind="stable")
            if "q_proj" in name:
                return w.reshape(heads, dim, -1)[order].reshape(w.shape)
            if "o_proj" in name:
                order = np.argsort(np.arange(config.num_attention_heads) % config.num_key_value_heads, kind="stable")
                return w.reshape(-1, config.num_attention_heads, dim)[:, order].reshape(w.shape)
            return w
        found["KV head h % G"] = with_weights(swapped)
    if getattr(config, "num_local_experts", None):
        experts = config.num_local_experts
        for k in (config.num_experts_per_tok - 1, config.num_experts_per_tok + 1):
            found[f"{k} experts"] = with_config(num_experts_per_tok=k)
        weights = model.state_dict()

        def of_another(name, place, number):  # the matrix of another number at that place of its name
            parts = name.split(".")
            parts[place] = number(parts[place])
            return weights[".".join(parts)]
        found["the next expert"] = with_weights(
            lambda name, w, heads: of_another(name, 5, lambda e: str((int(e) + 1) % experts)) if ".experts." in name else w)
        found["w1 and w3 swapped"] = with_weights(
            lambda name, w, heads: of_another(name, 6, lambda m: {"w1": "w3", "w3": "w1"}.get(m, m)) if ".experts." in name else w)
    if getattr(config, "sliding_window", None):
        for window in (config.sliding_window - 1, config.sliding_window + 1, None):
            found[f"window {window}"] = with_config(sliding_window=window)
    return {name: difference(other, logits) for name, other in found.items() if other is not None}


def write_gguf(path, name, model, dtype):
    config = model.config
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(dim)
    writer.add_value_length(dim)
    writer.add_rope_dimension_count(dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")
    scaling = getattr(config, "rope_scaling", None) or {}
    if scaling.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(scaling["factor"])
    if scaling.get("rope_type") == "llama3":  # one divisor per frequency, by the formula of Llama 3.1
        factors = []
        for i in range(dim // 2):
            wavelength = 2 * math.pi * config.rope_theta ** (2 * i / dim)
            original = scaling["original_max_position_embeddings"]
            low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
            keep = min(max((original / wavelength - low) / (high - low), 0.0), 1.0)
            factors.append(1 / ((1 - keep) / scaling["factor"] + keep))
        writer.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))

    names = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v",
             "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
             "gate": "ffn_gate_inp", "w1": "ffn_gate_exps", "w3": "ffn_up_exps", "w2": "ffn_down_exps"}
    stacks = {}
    experts = getattr(config, "num_local_experts", 0)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        parts = key.split(".")
        target = names[parts[-2]] + ".weight"
        if "layers" in parts:
            target = f"blk.{parts[parts.index('layers') + 1]}.{target}"
        array = tensor.float().numpy()
        if "q_proj" in key:
            array = interleaved_rows(array, config.num_attention_heads)
        if "k_proj" in key:
            array = interleaved_rows(array, config.num_key_value_heads)
        if ".experts." in key:  # of all experts together, slowest extent first as in numpy
            stacks.setdefault(target, []).append(array)
            if len(stacks[target]) < experts:
                continue
            array = np.stack(stacks[target])
        array = np.ascontiguousarray(array)
        if array.ndim == 1 or dtype == "F32" or "ffn_gate_inp" in target:  # converters leave routers F32
            writer.add_tensor(target, array)
        elif dtype == "F16":
            writer.add_tensor(target, array.astype(np.float16))
        else:  # the upper halves of the fp32s, exact because the model is bf16
            writer.add_tensor(target, (array.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8),
                              raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    torch.set_num_threads(1)
    listed = []
    kept = {entry["name"]: entry for entry in json.loads((HERE / "hf/cases.json").read_text())} if sys.argv[1:] else {}
    for seed, (name, (what, family, dtype, options, config)) in enumerate(CASES.items(), start=1):
        if sys.argv[1:] and name not in sys.argv[1:]:
            listed.append(kept[name])
            continue
        folder = HERE / "hf" / name
        shutil.rmtree(folder, ignore_errors=True)
        model = new_model(family, config)
        randomise(model, seed)
        model.to(dtype).save_pretrained(folder, max_shard_size=options.get("shard", "5GB"))
        (folder / "generation_config.json").unlink(missing_ok=True)
        # What was saved is loaded again, and computed in fp32 from the rounded weights.
        model = type(model).from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager").eval()
        tokens = np.random.default_rng(seed).integers(0, config["vocab_size"], POSITIONS).tolist()
        logits = logits_of(model, tokens)
        assert np.isfinite(logits).all()
        np.save(folder / "logits.npy", logits)
        changes = mistakes(model, tokens, logits)
        print(f"{name}: largest logit {np.abs(logits).max():.1f}; " + ", ".join(f"{k}: {v:.2g}" for k, v in changes.items()))
        assert min(changes.values()) > 100 * TOLERANCE, "a mistake hardly shows in this case; change its weights"
        entry = {"name": name, "what": what, "tokens": tokens}
        if family == "mixtral":
            entry["experts"], margin = chosen_experts(model, tokens)
            print(f"{name}: the closest choice hangs on a difference of {margin:.2g} between two scores")
            assert margin > 10 * TOLERANCE, "a choice hangs on rounding; take another seed"
        if "gguf" in options:
            (HERE / "gguf").mkdir(exist_ok=True)
            write_gguf(HERE / "gguf" / f"{name}.gguf", name, model, options["gguf"])
            entry["gguf"] = f"gguf/{name}.gguf"
        listed.append(entry)
    (HERE / "hf/cases.json").write_text("[\n" + ",\n".join("  " + json.dumps(e) for e in listed) + "\n]\n")


if __name__ == "__main__":
    main()
