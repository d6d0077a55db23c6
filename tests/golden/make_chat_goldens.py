#!/usr/bin/env python3
"""Writes tests/golden/tokens/chat.json: conversations as Jinja2 renders them by models' own chat templates.

  python3 -m venv venv
  venv/bin/pip install jinja2
  venv/bin/pip download --no-binary :all: --no-deps llama-cpp-python==0.3.16     # unpack it; its vendored llama.cpp has templates
  venv/bin/python tests/golden/make_chat_goldens.py llama_cpp_python-0.3.16/vendor/llama.cpp

Models publish their templates in tokenizer_config.json; llama.cpp keeps copies of many to test with. Of a template the file
keeps what it writes: the Jinja tags with a marker or a begin-of-text token in them, from which the tests recognise its style. With --whole
it keeps all of it:

  venv/bin/python tests/golden/make_chat_goldens.py llama_cpp_python-0.3.16/vendor/llama.cpp --whole --out DIR
  cp tests/golden/tokens/*.json DIR -n; RUNG_TOKEN_GOLDENS=DIR build/release/tests/chapters/01_tokens/test_tokens

Rung has no part in what is written.
"""

import argparse
import json
import re
from pathlib import Path

import jinja2
import jinja2.sandbox

HERE = Path(__file__).resolve().parent

# Llama 2's template is not among them. This says in Jinja what chat_completion of Meta's llama/generation.py does.
LLAMA2 = """{%- set system = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' if messages[0].role == 'system' else '' -%}
{%- for message in messages if message.role != 'system' -%}
{%- if message.role == 'user' -%}
{{- bos_token + '[INST] ' + ((system if loop.first else '') + message.content).strip() + ' [/INST]' -}}
{%- else -%}
{{- ' ' + message.content.strip() + ' ' + eos_token -}}
{%- endif -%}
{%- endfor -%}"""

LLAMA3_TOKENS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
CHATML_TOKENS = ["<|endoftext|>", "<|im_end|>", "<|im_start|>"]
# Which system messages are tried: all; none, where a template writes it into the last turn, so that later turns change earlier
# ones; or given ones, where the template has a default that Rung does not read (it does so for ChatML).
ANY, NONE, GIVEN = (None, "given"), (None,), ("given",)
# Name; where its template is: a file, or a name in llama.cpp's test; begin- and end-of-text token, then the other
# control tokens; what ends an answer; the system messages.
MODELS = [
    ("OpenHermes 2.5 (ChatML)", "teknium/OpenHermes-2.5-Mistral-7B", ["<s>", "<|im_end|>", "<|im_start|>"], "<|im_end|>", ANY),
    ("Qwen 2.5 (ChatML)", "Qwen-Qwen2.5-7B-Instruct.jinja", CHATML_TOKENS, "<|im_end|>", ANY),
    ("Llama 2", LLAMA2, ["<s>", "</s>"], "</s>", ANY),
    ("Vigogne 2 (Llama 2)", "bofenghuang/vigogne-2-70b-chat", ["<s>", "</s>"], "</s>", GIVEN),
    ("Llama 3", "Llama-3", LLAMA3_TOKENS, "<|eot_id|>", ANY),
    ("Llama 3.1", "meta-llama-Llama-3.1-8B-Instruct.jinja", LLAMA3_TOKENS, "<|eot_id|>", ANY),
    ("Llama 3.2", "meta-llama-Llama-3.2-3B-Instruct.jinja", LLAMA3_TOKENS, "<|eot_id|>", ANY),
    ("Mistral 7B v0.2", "mistralai/Mistral-7B-Instruct-v0.2 (NOTE: Old pre-v1 without a system prompt)", ["<s>", "</s>"], "</s>", NONE),
    ("Mistral Nemo", "mistralai-Mistral-Nemo-Instruct-2407.jinja", ["<s>", "</s>", "[INST]", "[/INST]"], "</s>", NONE),
]

CONVERSATIONS = [
    (None, ["Hi!"]),
    (None, ["What is a river?", " And a lake? ", "\n\nThanks."]),
    ("Be brief.", ["Hi!", "Why?"]),
    ("  You speak like a pirate.\n", ["  Where to? ", "naïve 😀"]),
]
ANSWERS = ["Answer 0.", "Answer 1: é.", "Answer 2."]


def template_of(where, llama_cpp):
    if where == LLAMA2:
        return where
    if where.endswith(".jinja"):
        return (llama_cpp / "models" / "templates" / where).read_text(encoding="utf-8")
    test = (llama_cpp / "tests" / "test-chat-template.cpp").read_text(encoding="utf-8")
    literal = re.search(r'/\* \.name= \*/ "' + re.escape(where) + r'",\s*(?://[^\n]*\s*)*/\* \.template_str= \*/ ("(?:[^"\\]|\\.)*")', test)
    if literal is None:
        raise SystemExit(f"{where}: not in llama.cpp's test-chat-template.cpp")
    return json.loads(literal[1].replace("\\'", "'"))  # the escapes in it are JSON's, too


def outline(template):
    """The tags that write a marker or set one, without the program around them."""
    tags = re.findall(r"\{\{.*?\}\}|\{%-? *set .*?%\}", template, re.DOTALL)
    marks = ("bos_token", "<|im_", "<|start_header_id|>", "<|eot_id|>", "INST]", "<<SYS>>", "Cutting Knowledge", "date_string = ")
    return "".join(tag for tag in tags if any(mark in tag for mark in marks))


def render(template, messages, bos, eos):
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(template).render(messages=messages, add_generation_prompt=True, bos_token=bos, eos_token=eos)


def conversation(template, tokens, end, system, turns):
    """What the model has before it at each of its answers, and the answers as the template writes them."""
    messages = [] if system is None else [{"role": "system", "content": system}]
    prompts, answers = [], []
    for number, user in enumerate(turns):
        messages.append({"role": "user", "content": user})
        prompts.append(render(template, messages, *tokens[:2]))
        if number > 0:
            assert prompts[-1].startswith(prompts[-2]), "a later turn changes an earlier one"
            answers.append(prompts[-1][len(prompts[-2]):].split(end)[0])
            assert answers[-1].strip() == ANSWERS[number - 1]
        messages.append({"role": "assistant", "content": ANSWERS[number]})
    return {"system": system, "turns": turns, "answers": answers, "prompts": prompts}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("llama_cpp", type=Path, help="llama.cpp's folder")
    arguments.add_argument("--out", type=Path, default=HERE / "tokens")
    arguments.add_argument("--whole", action="store_true", help="keep whole templates")
    options = arguments.parse_args()
    models = []
    for name, where, tokens, end, systems in MODELS:
        template = template_of(where, options.llama_cpp)
        models.append({"model": name, "template": template if options.whole else outline(template), "tokens": tokens, "conversations": [
            conversation(template, tokens, end, system, turns) for system, turns in CONVERSATIONS if (system and "given") in systems]})
    path = options.out / "chat.json"
    path.write_text(json.dumps({"models": models}, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.name:24}{path.stat().st_size:8} bytes")


if __name__ == "__main__":
    main()
