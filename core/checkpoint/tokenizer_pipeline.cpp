#include "core/checkpoint/tokenizer_pipeline.h"

#include "core/checkpoint/split_patterns.h"

namespace rung {
namespace {

constexpr const char* space_mark = "\xE2\x96\x81";  // U+2581
constexpr std::size_t most_splits = 16;  // real files have up to four; each is one more level of calls

// A step, or the steps of a "Sequence", whose array has another name for each kind of step.
std::vector<JsonFields> steps_of(const JsonFields& root, const char* name, const char* array) {
  if (!root.has(name)) return {};
  const JsonFields step = root.object(name);
  if (step.text("type") != "Sequence") return {step};
  return step.objects(array);
}

struct Reader {
  TokenizerPipeline out;
  bool marks_spaces = false;
  bool byte_level = false;

  void normalizer(const JsonFields& step) {
    const std::string type = step.text("type");
    if (type == "Prepend") {
      if (step.text("prepend") != space_mark) step.refuse("prepend", "U+2581", step.text("prepend"));
      set_prefix(step, DummyPrefix::stretches);
    } else if (type == "Replace") {
      const std::string from = step.object("pattern").text_or("String", "a regular expression");
      if (from != " " || step.text("content") != space_mark)
        step.refuse("pattern", "a space that is replaced by U+2581", from);
      marks_spaces = true;
    } else {
      step.refuse("type", "Prepend or Replace, the normalizers supported", type);
    }
  }

  void pre_tokenizer(const JsonFields& step) {
    const std::string type = step.text("type");
    if (byte_level) step.refuse("type", "nothing after ByteLevel", type);
    if (out.split_patterns.size() == most_splits)
      step.refuse("type", "one of " + std::to_string(most_splits) + " splits at most", "one more");
    if (type == "ByteLevel") {
      if (step.flag_or("add_prefix_space", true)) step.refuse("add_prefix_space", "false", "true");
      if (step.flag_or("use_regex", true)) out.split_patterns.emplace_back(gpt2_split_pattern());
      byte_level = true;
    } else if (type == "Digits") {
      out.split_patterns.emplace_back(step.flag_or("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "Split") {
      if (step.text("behavior") != "Isolated") step.refuse("behavior", "Isolated", step.text("behavior"));
      if (step.flag_or("invert", false)) step.refuse("invert", "false", "true");
      out.split_patterns.push_back(step.object("pattern").text("Regex"));
    } else if (type == "Metaspace") {
      metaspace(step);
    } else {
      step.refuse("type", "ByteLevel, Digits, Split or Metaspace, the pre-tokenizers supported", type);
    }
  }

  // SentencePiece's marks for spaces. Older files say whether a first one is added by a flag, newer ones by a
  // word.
  void metaspace(const JsonFields& step) {
    if (step.text("replacement") != space_mark)
      step.refuse("replacement", "U+2581", step.text("replacement"));
    if (step.flag_or("split", true)) step.refuse("split", "false (pieces may reach over spaces)", "true");
    const std::string scheme = step.text_or("prepend_scheme", "always");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      step.refuse("prepend_scheme", "always, first or never", scheme);
    if (step.flag_or("add_prefix_space", true) && scheme != "never")
      set_prefix(step, scheme == "first" ? DummyPrefix::bare_texts : DummyPrefix::bare_stretches);
    marks_spaces = true;
  }

  void set_prefix(const JsonFields& step, DummyPrefix prefix) {
    if (out.dummy_prefix != DummyPrefix::none)
      step.refuse("type", "one step at most that puts U+2581 before a text", "a second one");
    out.dummy_prefix = prefix;
  }

  void post_processor(const JsonFields& step) {
    const std::string type = step.text("type");
    if (type == "ByteLevel") return;  // it trims offsets and changes no id
    if (type != "TemplateProcessing")
      step.refuse("type", "TemplateProcessing or ByteLevel, the post-processors supported", type);
    out.has_template = true;
    bool text_seen = false;
    for (const JsonFields& part : step.objects("single")) {
      if (part.has("Sequence")) {
        text_seen = true;
        continue;
      }
      std::optional<std::string>& place = text_seen ? out.after : out.before;
      if (place) step.refuse("single", "at most one special token before the text and one after it", "more");
      place = part.object("SpecialToken").text("id");
    }
  }
};

}  // namespace

TokenizerPipeline read_tokenizer_pipeline(const JsonFields& root) {
  Reader reader;
  for (const JsonFields& step : steps_of(root, "normalizer", "normalizers")) reader.normalizer(step);
  for (const JsonFields& step : steps_of(root, "pre_tokenizer", "pretokenizers")) reader.pre_tokenizer(step);
  for (const JsonFields& step : steps_of(root, "post_processor", "processors")) reader.post_processor(step);

  if (reader.byte_level == reader.marks_spaces)
    root.refuse("pre_tokenizer", "ByteLevel, or spaces marked by U+2581",
                reader.byte_level ? "both" : "neither of them");
  if (reader.marks_spaces && !reader.out.split_patterns.empty())
    root.refuse("pre_tokenizer", "no splits where spaces are marked by U+2581", "a split");
  reader.out.kind = reader.byte_level ? TokenizerKind::byte_level : TokenizerKind::sentencepiece;
  return reader.out;
}

}  // namespace rung
