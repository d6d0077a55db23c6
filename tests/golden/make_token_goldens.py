#!/usr/bin/env python3
"""Writes tests/golden/tokens/: what other programs make of nasty strings. Ours has no part in it.

  apt-get install bible-kjv bible-kjv-text
  python3 -m venv venv
  venv/bin/pip install tokenizers sentencepiece gguf jinja2 llama-cpp-python      # the last one compiles llama.cpp
  venv/bin/python tests/golden/make_token_goldens.py SMOLLM2.gguf
  venv/bin/python tests/golden/make_token_goldens.py SMOLLM2.gguf --sentencepiece llama2/tokenizer.model --out DIR
  RUNG_TOKEN_GOLDENS=DIR build/tests/chapters/01_tokens/test_tokens               # the same tests on Llama 2's pieces

SMOLLM2.gguf is the file that `./rung generate` fetches. Written:

  strings.json         the strings, and byte sequences that are no UTF-8
  splits.json          words by Hugging Face's pre-tokenizers: GPT-2, SmolLM2, Llama 3
  smollm2.json         ids by `tokenizers` with the file's pieces and merges; llama.cpp must agree; invalid
                       bytes as U+FFFD each, which is what `sentencepiece` makes of them (llama.cpp aborts); conversations by Jinja2 with the template in the file
  byte_level.json      a small byte-level BPE trained here on the King James Bible, as tokenizer.json, and its ids with each
                       pre-tokenizer by `tokenizers`
  sentencepiece.json   a small SentencePiece BPE trained here on the same, as pieces with scores and as tokenizer.json, and its
                       ids by `sentencepiece`; `tokenizers` must agree but around <tool> (llama.cpp, too). Where `tokenizers`
                       differs, with each way that tokenizer.json has to put a space before a text, its ids are kept
"""

import argparse
import codecs
import json
import os
import random
import subprocess
import tempfile
from pathlib import Path

import gguf
import jinja2
import llama_cpp
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
SPACE = "\u2581"
# Llama 3's pattern, as its tokenizer.json has it.
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

HAND_WRITTEN = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", " \n", "\n ", " \n \n ", "\r\n", "\r\n\r\n", "a", " a", "a ", "  a  ", "\ta\t",
    "Hello, world!", "Hello,  world !", "The quick brown fox jumps over the lazy dog.", "don't", "DON'T", "I'LL we'Ve it'S 'tis",
    "'s 't 're 've 'm 'll 'd", "''s", "it\u017f 'ſ '\u017f", "can\u2019t", "O'Brien's", "'", "''", "a'b'c",
    "0", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "2026-11-23T05:05:36Z", "1e-5 + 0xDEADBEEF", "½ ² ³ Ⅷ ⅷ ④",
    "٣٤٥ १२३ ๑๒๓ 一二三 〇", "v1.2.3-rc4", "x1y22z333", "5th 21st", "１２３", "€100 $5 £3.50",
    "def f(x):\n    return x + 1\n", "for (int i = 0; i < n; ++i) {\n\ta[i] = b[i];\n}", "#include <stdio.h>\n", "if x==1:\n\tpass\n\n\n\nelse:",
    "std::vector<std::pair<int, float>> v{{1, 2.f}};", "SELECT * FROM t WHERE a='b' AND c<>\"d\";", "a->b->c !== d ?? e", "<div class=\"x\">&nbsp;</div>",
    "{\"key\": [1, 2, {\"a\": null}]}", "\\\\server\\share\\n", "`code` **bold** __init__ ~~x~~", "///////", "----------", "=========", "................",
    "!?!?!?", "(((())))", "snake_case camelCase PascalCase SCREAMING_CASE kebab-case", "https://example.org/a/b?c=d&e=%20#f", "me@example.org",
    "naïve café Größe Ångström", "nai\u0308ve cafe\u0301", "e\u0301\u0302\u0303\u0304", "\u0301", " \u0301", "a\u0301b\u0301", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
    "Ελληνικά γλώσσα", "русский язык", "Українська", "עברית שָׁלוֹם", "العربية مرحبا", "फिर मिलेंगे", "தமிழ்", "ไทยไม่มีช่องว่าง", "ქართული", "Հայերեն", "አማርኛ",
    "日本語のテキストです。", "中文分词，没有空格。", "한국어 텍스트", "𠮷野家 𝕳𝖊𝖑𝖑𝖔 𝟘𝟙𝟚", "ｆｕｌｌｗｉｄｔｈ　ｓｐａｃｅ", "「引用」『』【】",
    "😀", "😀😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "❤️ ❤ ☃", "🏳️‍🌈 flag", "a😀b 😀 c", "🤷🏻‍♀️¯\\_(ツ)_/¯", "⌘⌥⇧ → ← ↔ ⇒ ∀x∈ℝ: x² ≥ 0", "∑∫∂√∞≈≠≤≥",
    "\u00a0", "a\u00a0b", "a\u2003b\u2009c", "a\u3000b", "\u2028\u2029", "a\u0085b", "a\u1680b", "a\u180eb", " \u180e ", "zero\u200bwidth\u200d\u200c", "\ufeffBOM",
    "soft\u00adhyphen", "\u202eright to left\u202c", "\u0000", "a\u0000b", "\u0001\u0002\u0003", "\u001b[31mred\u001b[0m", "\u007f", "a\u000bb\u000cc", "\u001c\u001d\u001e\u001f",
    "\ufffd", "\uffff", "\U0010ffff", "\ue000 private", "\U000e0041 tag", "▁", "▁▁a", "a▁b", "Ġ", "Ġthe Ċ", "<0x0A>", "<0x41>", "<unk>", "<s>", "</s>", "<s>x</s>",
    "<|im_start|>user\nHi<|im_end|>\n", "<|endoftext|>", "<|im_start|>", "<|im_start", "|im_start|>", "<|im_start|><|im_end|>", "a<|im_end|>b", "<|eot_id|>", "[INST] x [/INST]",
    "<tool>", "a<tool>b", "<tool><tool>", "<tool", " <tool> ", "x <tool>\n", "<|im_start|>tool<tool><|im_end|>",
    "word" * 30, "a" * 100, "ab" * 64, " " * 50, " " * 50 + "x", "\n" * 40, "\t" * 20, "\n \n \n x", "x\n\n\n  y", "0" * 50, "é" * 40, "。" * 20, "😀" * 12, " a" * 20, "Aa" * 30,
    "In the beginning God created the heaven and the earth.", "And it came to pass, that in the 12th year he begat sons\nand daughters.",
    "LORD God Almighty; thou shalt not", "he saith unto them, Verily, verily, I say unto you", "antidisestablishmentarianism", "supercalifragilisticexpialidocious",
]

INVALID = [b"\xff", b"a\xffb", b"\xc3", b"caf\xc3 x", b"\xe2\x82", b"a\xe2\x82 b", b"\xf0\x9f\x98", b"\xf0\x9f\x98x", b"\xed\xa0\x80x", b"\xc0\x80", b"\xf5\x80\x80\x80",
           b"\x80\x81", b"ok \xfe\xff", b"\xe4\xb8\xad\xe4\xb8", b"\xf4\x90\x80\x80"]


# Python's own "replace" puts one U+FFFD for the beginning of a character; SentencePiece puts one for each byte.
codecs.register_error("one_for_one", lambda error: ("\ufffd" * (error.end - error.start), error.end))


def nasty_strings():
    """The hand-written ones, and mixtures drawn with a fixed seed."""
    draw = random.Random(1611)
    bits = ["the", " and", " LORD", "'s", "'LL", " 12", "345", ".", ", ", "  ", "\n", "\n\n", "\t", "\r\n", "é", "e\u0301", "😀", "👍🏽", "日本", "語", "\u00a0", "\u3000", "(", ");", "_", "--",
            "ñ", "ß", "Ω", "\u200d", "़", "٣", "<tool>", "<", ">", "|", "\"", "#", "A", " B", "zz", " ", "\u2028", "²", "ǅ", "ﬁ", "\u0345"]
    mixed = ["".join(draw.choice(bits) for _ in range(draw.randint(2, 14))) for _ in range(90)]
    return HAND_WRITTEN + mixed


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.name:24}{path.stat().st_size:8} bytes")


def bible():
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    out = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], env=environment, capture_output=True, text=True, check=True)
    return [line.split(" ", 1)[1] for line in out.stdout.splitlines()]


# ---------------------------------------------------------------- pre-tokenizers

def pre_tokenizer(name):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "gpt-2":
        return byte_level
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_lengths(name, text):
    """Lengths of the words in bytes: ByteLevel spells each byte as one character."""
    return [len(word) for word, _ in pre_tokenizer(name).pre_tokenize_str(text)]


# ---------------------------------------------------------------- llama.cpp

class LlamaCpp:
    """The tokenizer of a GGUF file by llama.cpp."""

    def __init__(self, path):
        self.llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)

    def ids(self, data, special):
        return self.llama.tokenize(data, add_bos=False, special=special)


def agree(what, strings, ours, theirs):
    """Reports where two programs differ, which the committed ids then cannot be trusted for."""
    different = [s for s, a, b in zip(strings, ours, theirs) if a != b]
    print(f"{what}: {len(strings) - len(different)} of {len(strings)} agree", *[repr(s) for s in different[:40]])
    return different


# ---------------------------------------------------------------- SmolLM2

def smollm2(path, strings):
    fields = gguf.GGUFReader(path).fields
    pieces = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizer("smollm")
    tokenizer.add_special_tokens([p for p, t in zip(pieces, types) if t == 3])
    llama = LlamaCpp(path)

    def encode(text, special):
        tokenizer.encode_special_tokens = not special
        return tokenizer.encode(text, add_special_tokens=False).ids

    as_text = [encode(s, False) for s in strings]
    parsed = [encode(s, True) for s in strings]
    agree("SmolLM2, as text, llama.cpp", strings, as_text, [llama.ids(s.encode(), False) for s in strings])
    agree("SmolLM2, parsed, llama.cpp", strings, parsed, [llama.ids(s.encode(), True) for s in strings])

    template = jinja2.Environment(keep_trailing_newline=True).from_string(fields["tokenizer.chat_template"].contents())
    conversations = []
    for system, turns in [
            (None, ["Hi"]), (None, ["  What is 2+2?\n", "Thanks <|im_end|> bye"]), ("Be brief.", ["\n\nNewlines first", "and\nlast\n"]),
            (None, ["日本語 😀", "", "third"])]:
        messages, expected = ([] if system is None else [{"role": "system", "content": system}]), []
        for number, user in enumerate(turns):
            messages.append({"role": "user", "content": user})
            # The user's text must not be parsed: a private-use stand-in goes through Jinja and is encoded in place.
            marked = [dict(m, content=m["content"].replace("<|im_end|>", "\ue123")) for m in messages]
            text = template.render(messages=marked, add_generation_prompt=True)
            expected.append(encode_marked(tokenizer, text))
            messages.append({"role": "assistant", "content": f"Answer {number}."})
        conversations.append({"system": system, "turns": turns, "ids": expected})
    return {"as_text": as_text, "parsed": {str(i): p for i, (a, p) in enumerate(zip(as_text, parsed)) if a != p},
            "invalid": [encode(b.decode(errors="one_for_one"), False) for b in INVALID], "conversations": conversations}


def encode_marked(tokenizer, text):
    """Control tokens are parsed; what stands for one in a user's text is not."""
    ids = []
    rest = text
    while rest:
        positions = [(rest.find(m), m) for m in ("<|im_start|>", "<|im_end|>") if m in rest]
        at, marker = min(positions) if positions else (len(rest), "")
        tokenizer.encode_special_tokens = True
        ids += tokenizer.encode(rest[:at].replace("\ue123", "<|im_end|>"), add_special_tokens=False).ids
        ids += [tokenizer.token_to_id(marker)] if marker else []
        rest = rest[at + len(marker):]
    return ids


# ---------------------------------------------------------------- small tokenizers of our own

def byte_level(text, strings):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer("gpt-2")
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(text[:8000], trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<|im_start|>", "<|im_end|>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    first, variants = None, []
    for name in ("gpt-2", "smollm", "llama-bpe"):
        document = json.loads(tokenizer.to_str())
        document["pre_tokenizer"] = json.loads(pre_tokenizer_json(name))
        document["model"]["ignore_merges"] = name == "llama-bpe"
        variant = Tokenizer.from_str(json.dumps(document))
        parsed = [variant.encode(s, add_special_tokens=False).ids for s in strings]
        first = first or parsed
        variants.append({
            "pre": name, "pre_tokenizer": document["pre_tokenizer"], "ignore_merges": name == "llama-bpe",
            "parsed": {str(i): p for i, (p, f) in enumerate(zip(parsed, first)) if p != f}})
    return {"tokenizer": json.loads(tokenizer.to_str()), "parsed": first, "variants": variants}


def pre_tokenizer_json(name):
    holder = Tokenizer(models.BPE())
    holder.pre_tokenizer = pre_tokenizer(name)
    return json.dumps(json.loads(holder.to_str())["pre_tokenizer"])


def train_sentencepiece(text, folder):
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(text[:8000]), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "own"), model_type="bpe", vocab_size=480, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, character_coverage=1.0,
        user_defined_symbols=["<tool>"], num_threads=1, minloglevel=2)
    return folder / "own.model"


def type_of(sp, i):
    for name in ("unknown", "control", "byte", "unused"):
        if getattr(sp, f"is_{name}")(i):
            return name
    return "user_defined" if sp.id_to_piece(i) == "<tool>" else "normal"


def as_tokenizer_json(pieces, merges, user_defined):
    """The Hugging Face form of a SentencePiece model, put together with their package."""
    tokenizer = Tokenizer(models.BPE(vocab={p: i for i, (p, _, _) in enumerate(pieces)}, merges=merges, unk_token="<unk>",
                                     fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    tokenizer.add_special_tokens([AddedToken(p, normalized=False, special=True) for p in ("<unk>", "<s>", "</s>")])
    tokenizer.add_tokens([AddedToken(p, normalized=False) for p in user_defined])
    return tokenizer


def hugging_face_variants(document, strings, ids):
    """Ids by `tokenizers` where they are not `ids`, with the dummy prefix as each kind of file spells it."""
    variants = []
    for scheme in ("prepend", "prepend, normalized", "first", "always"):
        changed = json.loads(json.dumps(document))
        for token in changed["added_tokens"]:
            token["normalized"] = scheme == "prepend, normalized"
        if not scheme.startswith("prepend"):
            changed["normalizer"] = None
            changed["pre_tokenizer"] = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": False}
        tokenizer = Tokenizer.from_str(json.dumps(changed))
        variant = {"normalizer": changed["normalizer"], "pre_tokenizer": changed["pre_tokenizer"],
                   "normalized": scheme == "prepend, normalized"}
        for name, as_text in (("ids", True), ("parsed", False)):
            tokenizer.encode_special_tokens = as_text
            found = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
            variant[name] = {str(i): f for i, (f, g) in enumerate(zip(found, ids)) if f != g}
        variants.append(variant)
    return variants


def ranked_merges(pieces):
    """All ways to make a piece of two, best score first; scores are minus the order of the merges."""
    ids = {p: i for i, (p, _, t) in enumerate(pieces) if t == "normal"}
    found = []
    for piece, score, kind in pieces:
        if kind == "normal":
            found += [(-score, ids[piece[:cut]], ids[piece[cut:]], piece[:cut], piece[cut:])
                      for cut in range(1, len(piece)) if piece[:cut] in ids and piece[cut:] in ids]
    return [(left, right) for _, _, _, left, right in sorted(found)]


def write_vocabulary_gguf(path, pieces):
    kinds = {"normal": 1, "unknown": 2, "control": 3, "user_defined": 4, "unused": 5, "byte": 6}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([p for p, _, _ in pieces])
    writer.add_token_scores([s for _, s, _ in pieces])
    writer.add_token_types([kinds[t] for _, _, t in pieces])
    writer.add_bos_token_id(1), writer.add_eos_token_id(2), writer.add_unk_token_id(0)
    for add in (writer.add_context_length, writer.add_embedding_length, writer.add_block_count, writer.add_feed_forward_length,
                writer.add_head_count):
        add(64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def own_sentencepiece(model, folder, strings):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = [(sp.id_to_piece(i), sp.get_score(i), type_of(sp, i)) for i in range(sp.vocab_size())]
    merges = ranked_merges(pieces)
    hugging_face = as_tokenizer_json(pieces, merges, [p for p, _, t in pieces if t == "user_defined"])
    ids = [sp.encode(s) for s in strings]
    hugging_face.encode_special_tokens = True
    agree("SentencePiece, tokenizers", strings, ids, [hugging_face.encode(s, add_special_tokens=False).ids for s in strings])
    write_vocabulary_gguf(folder / "own.gguf", pieces)
    llama = LlamaCpp(folder / "own.gguf")
    agree("SentencePiece, llama.cpp", strings, ids, [llama.ids(s.encode(), False) for s in strings])
    # Control tokens in text are no business of SentencePiece; here llama.cpp says what they do.
    parsed = {str(i): llama.ids(s.encode(), True) for i, s in enumerate(strings) if "<tool>" not in s}
    document = json.loads(hugging_face.to_str())
    return {"variants": hugging_face_variants(document, strings, ids), "pieces": pieces, "tokenizer": document, "ids": ids, "parsed": {i: p for i, p in parsed.items() if p != ids[int(i)]}, "decoded": [sp.decode(i) for i in ids],
            "invalid": [sp.encode(b) for b in INVALID]}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("smollm2")
    arguments.add_argument("--sentencepiece", help="a SentencePiece BPE model instead of our own")
    arguments.add_argument("--out", type=Path, default=HERE / "tokens")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    strings = nasty_strings()
    text = bible()
    write(options.out / "strings.json", {"strings": strings, "invalid": [b.hex() for b in INVALID]})
    write(options.out / "splits.json", {n: [byte_lengths(n, s) for s in strings] for n in ("gpt-2", "smollm", "llama-bpe")})
    write(options.out / "smollm2.json", smollm2(options.smollm2, strings))
    write(options.out / "byte_level.json", byte_level(text, strings))
    with tempfile.TemporaryDirectory() as folder:
        model = options.sentencepiece or train_sentencepiece(text, Path(folder))
        write(options.out / "sentencepiece.json", own_sentencepiece(model, Path(folder), strings))


if __name__ == "__main__":
    main()
