#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chapters/01_tokens/special_tokens.h"
#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// Turns text into token ids and back, as the model was trained with.
///
/// Bytes of the text that are no UTF-8 are read as U+FFFD, one each, as SentencePiece and llama.cpp do. A
/// byte-level vocabulary may lack some of the 256 bytes (SmolLM2's lacks 21, among them some control
/// characters); such bytes are left out, as Hugging Face's tokenizers and llama.cpp do, unless the model has
/// an unknown-token for them.
class Tokenizer {
 public:
  /// Copies what it needs from `data`.
  /// @throws Error (bad_input) naming data.file when the data has holes or contradicts itself
  explicit Tokenizer(const TokenizerData& data);
  /// What was moved from may only be destroyed or assigned to.
  Tokenizer(Tokenizer&&) noexcept;
  /// The same.
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// What `<|im_start|>` in a text is. Text from people is never parsed, or they could write control tokens.
  enum class Special {
    as_text,  ///< twelve characters
    parse,    ///< the control token
  };
  /// Whether the begin- and end-of-text tokens are put around it.
  enum class AddSpecial {
    none,
    as_the_model_says,  ///< by TokenizerData::add_bos and add_eos
  };

  /// What stands before the text: some models put no dummy prefix where something does.
  enum class Before { nothing, control_token };

  /// @return ids; none for an empty text
  std::vector<std::int32_t> encode(std::string_view text, Special special = Special::as_text,
                                   AddSpecial add = AddSpecial::none, Before before = Before::nothing) const;
  /// A text for the model to continue: markers in it are text, and it begins as the model says.
  std::vector<std::int32_t> encode_prompt(std::string_view text) const {
    return encode(text, Special::as_text, AddSpecial::as_the_model_says);
  }

  /// Whether what follows a control token gets a dummy prefix even where it begins with a space.
  bool prefixes_after_control_tokens() const { return dummy_prefix_ == DummyPrefix::texts; }

  /// What control tokens look like in text.
  enum class Control {
    hidden,  ///< nothing
    shown,   ///< as they are written: `<|im_start|>`
  };

  /// The bytes of one token, not always whole characters (see Utf8Stream); a SentencePiece piece keeps its
  /// space.
  /// @throws Error (usage) for an id outside the vocabulary
  std::string piece_bytes(std::int32_t id, Control control = Control::hidden) const;

  /// The bytes of all tokens. SentencePiece: one space at the start of the text is the one that encode() put
  /// there, and is taken away. (By DummyPrefix::bare_texts and bare_stretches a space of the text's own may
  /// have stood for it, and is lost, as it is in Hugging Face's tokenizers.)
  /// @throws Error (usage) for an id outside the vocabulary
  std::string decode(std::span<const std::int32_t> ids, Control control = Control::hidden) const;

  std::int32_t vocab() const;                       ///< number of ids
  const std::string& piece(std::int32_t id) const;  ///< as the model's file spells it
  /// @throws Error (usage) for an id outside the vocabulary
  PieceType type(std::int32_t id) const;
  /// The control token written like this, or nothing.
  std::optional<std::int32_t> control_token(std::string_view text) const;

  /// The begin-of-text token, where the model has one.
  std::optional<std::int32_t> bos() const;
  /// The end-of-text token, where the model has one.
  std::optional<std::int32_t> eos() const;
  bool ends_turn(std::int32_t id) const;  ///< generation stops at these ids: eos, <|im_end|>, <|eot_id|>
  /// The ids at which ends_turn() is true.
  const std::vector<std::int32_t>& end_of_turn() const;
  const std::string& chat_template() const;  ///< Jinja, as stored; empty when there is none

  /// One of the two algorithms: text without special tokens to ids.
  class Model {
   public:
    virtual ~Model() = default;
    /// @param text valid UTF-8; empty only where a dummy prefix stands before a user-defined piece
    /// @param dummy_prefix whether to put a space before it; SentencePiece only
    virtual void encode(std::string_view text, bool dummy_prefix, std::vector<std::int32_t>& ids) const = 0;
    /// The bytes of a piece that is no control token.
    virtual std::string bytes(std::int32_t id) const = 0;
  };

 private:
  struct Stretch;
  void check_id(std::int32_t id) const;
  void sort_special_tokens(const TokenizerData& data);
  void encode_stretch(const Stretch& stretch, std::vector<std::int32_t>& ids) const;
  bool needs_prefix(std::string_view text, bool starts_text) const;

  std::vector<std::string> pieces_;
  std::vector<PieceType> types_;
  DummyPrefix dummy_prefix_;
  bool add_bos_, add_eos_;
  std::optional<std::int32_t> bos_, eos_;
  std::vector<std::int32_t> end_of_turn_;
  std::string chat_template_;
  SpecialTokens special_, found_normalized_;
  std::unordered_map<std::string, std::int32_t> control_tokens_;
  std::unique_ptr<Model> model_;
};

}  // namespace rung
