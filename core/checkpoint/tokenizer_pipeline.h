#pragma once

#include <optional>
#include <string>

#include "core/checkpoint/json_fields.h"
#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// What the steps around the model in tokenizer.json come to, in this project's words.
struct TokenizerPipeline {
  TokenizerKind kind = TokenizerKind::byte_level;
  std::vector<std::string> split_patterns;
  DummyPrefix dummy_prefix = DummyPrefix::none;
  /// Special tokens that `post_processor` puts before and after a text; unset when it says nothing.
  bool has_template = false;
  std::optional<std::string> before, after;
};

/// Reads `normalizer`, `pre_tokenizer` and `post_processor`. `decoder` is not asked: it undoes the others.
/// @throws Error (bad_input) naming a step that is not supported; none is left out silently
TokenizerPipeline read_tokenizer_pipeline(const JsonFields& root);

}  // namespace rung
