#!/usr/bin/env python3
"""Writes tests/golden/perplexity.json: cross entropies and KL divergences by PyTorch, and perplexities by llama.cpp.

  apt-get install python3-torch
  python3 tests/golden/make_perplexity_goldens.py functions
  python3 -m venv venv && venv/bin/pip install llama-cpp-python==0.3.16      # compiles llama.cpp
  venv/bin/python tests/golden/make_perplexity_goldens.py models models/tiny.gguf SMOLLM2.gguf

"functions" replaces the part that PyTorch computes, in float64, from rows of fp32 logits with everything in them that
goes wrong: large and small ones, ties, -infinity.

"models" replaces the part that llama.cpp computes: the perplexity of models/tiny_heldout.txt in chunks of 512 by the
convention of its program `llama-perplexity`, which is not in the Python package. So the convention is written once
more here, from tools/perplexity/perplexity.cpp of the llama.cpp in that package: one newline at the end of the file is
left out; the text is encoded with the BOS that the model wants; chunks of n tokens without the rest; a chunk's first
token is replaced by that BOS; the logits of positions n/2 to n - 2 are judged by the token behind each.

The numbers (llama-cpp-python 0.3.16, CPU, 2 threads), and what `./rung perplexity MODEL models/tiny_heldout.txt`
prints for the same:

                        llama.cpp    rung (stage kv_cache)
  tiny.gguf               17.4538     17.4541      0.002 % apart
  SmolLM2 (Q4_1)          16.2012     16.1618      0.24 % apart

The first file is F16. On the second, llama.cpp rounds activations to 8 bits before it multiplies them with blocks, and
Rung's fp32 stages do not.
"""

import argparse
import json
import math
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/perplexity.json"
TEXT = ROOT / "models/tiny_heldout.txt"
CONTEXT = 512


def functions():
    import torch

    generator = torch.Generator().manual_seed(8)
    scales = [1.0, 1.0, 4.0, 30.0, 0.01, 1.0]
    offsets = [0.0, 3.0, -2.0, 500.0, -1000.0, 0.0]

    def rows():
        numbers = torch.randn((len(scales), 7), generator=generator, dtype=torch.float64)
        numbers = numbers * torch.tensor(scales).double()[:, None] + torch.tensor(offsets).double()[:, None]
        # To a 64th, so that the decimals below are the fp32 numbers.
        return (numbers * 64).round() / 64

    p, q = rows(), rows()
    p[1, 2] = p[1, 5]
    p[5, 0] = q[5, 0] = p[5, 3] = -math.inf
    targets = torch.tensor([3, 2, 0, 6, 1, 4])
    log_p, log_q = torch.log_softmax(p, 1), torch.log_softmax(q, 1)
    kl = torch.nn.functional.kl_div(log_q.nan_to_num(neginf=-1e9), log_p, reduction="none", log_target=True).nan_to_num(0).sum(1)
    entropies = torch.nn.functional.cross_entropy(p, targets, reduction="none")

    def listed(matrix):
        return [[None if math.isinf(x) else x for x in row] for row in matrix.tolist()]

    return {
        "by": f"PyTorch {torch.__version__.split('+')[0]}, float64; null is -infinity",
        "p_logits": listed(p),
        "q_logits": listed(q),
        "targets": targets.tolist(),
        "cross_entropy": entropies.tolist(),
        "perplexity": torch.exp(entropies.mean()).item(),
        "perplexity_error": (torch.exp(entropies.mean()) * entropies.std() / math.sqrt(len(entropies))).item(),
        "kl_divergence": kl.tolist(),
    }


def perplexity(path):
    import llama_cpp
    import numpy as np

    model = llama_cpp.Llama(str(path), n_ctx=CONTEXT, n_batch=CONTEXT, logits_all=True, verbose=False, n_threads=2)
    text = TEXT.read_bytes().removesuffix(b"\n")
    add_bos = bool(llama_cpp.llama_vocab_get_add_bos(model._model.vocab))
    tokens = model.tokenize(text, add_bos=add_bos, special=False)
    entropies = []
    for first in range(0, len(tokens) - CONTEXT + 1, CONTEXT):
        chunk = tokens[first : first + CONTEXT]
        model.reset()
        model.eval([model.token_bos(), *chunk[1:]] if add_bos else chunk)
        for i in range(CONTEXT // 2, CONTEXT - 1):
            logits = model.scores[i].astype(np.float64)
            entropies.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[chunk[i + 1]])
    entropies = np.array(entropies)
    value = math.exp(entropies.mean())
    return {
        "model": path.name,
        "add_bos": add_bos,
        "tokens": len(tokens),
        "chunks": len(tokens) // CONTEXT,
        "scored": len(entropies),
        "perplexity": value,
        "standard_error": value * entropies.std() / math.sqrt(len(entropies) - 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=["functions", "models"])
    parser.add_argument("models", type=Path, nargs="*", help="GGUF files")
    arguments = parser.parse_args()
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if arguments.part == "functions":
        golden["functions"] = functions()
    else:
        golden["context"] = CONTEXT
        golden["models"] = [perplexity(path) for path in arguments.models]
    GOLDEN.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(golden.items())) + "\n}\n")
    print(GOLDEN.read_text())


if __name__ == "__main__":
    main()
