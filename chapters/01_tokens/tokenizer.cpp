#include "chapters/01_tokens/tokenizer.h"

#include <algorithm>
#include <cmath>

#include "chapters/01_tokens/byte_level.h"
#include "chapters/01_tokens/sentencepiece.h"
#include "chapters/01_tokens/utf8.h"
#include "core/error.h"

namespace rung {
namespace {

void check(const TokenizerData& data) {
  const std::size_t n = data.pieces.size();
  if (n == 0 || n > 100'000'000)
    throw Error(ErrorKind::bad_input, "tokenizer: expected a vocabulary, found {} pieces", n);
  if (data.types.size() != n)
    throw Error(ErrorKind::bad_input, "tokenizer: expected a type for each of the {} pieces, found {}", n,
                data.types.size());
  if (!data.scores.empty() && data.scores.size() != n)
    throw Error(ErrorKind::bad_input, "tokenizer: expected a score for each of the {} pieces, found {}", n,
                data.scores.size());
  for (std::size_t i = 0; i < data.scores.size(); ++i)
    if (std::isnan(data.scores[i]))
      throw Error(ErrorKind::bad_input, "tokenizer: expected a number as score of piece {}, found NaN", i);
  if (data.kind == TokenizerKind::sentencepiece && data.scores.empty() && data.merges.empty() && n > 512)
    throw Error(ErrorKind::bad_input, "tokenizer: expected scores or merges, found neither");

  const auto in_range = [&](std::optional<std::int32_t> id, const char* what) {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= n))
      throw Error(ErrorKind::bad_input, "tokenizer: expected {} to be an id below {}, found {}", what, n,
                  *id);
  };
  in_range(data.bos, "the begin-of-text token");
  in_range(data.eos, "the end-of-text token");
  in_range(data.unk, "the unknown-token");
  for (const std::int32_t id : data.end_of_turn) in_range(id, "an end-of-turn token");
  for (const std::int32_t id : data.found_normalized) in_range(id, "an added token");
  if (data.add_bos && !data.bos)
    throw Error(ErrorKind::bad_input, "tokenizer: a begin-of-text token is to be added, but none is named");
  if (data.add_eos && !data.eos)
    throw Error(ErrorKind::bad_input, "tokenizer: an end-of-text token is to be added, but none is named");
}

std::unique_ptr<Tokenizer::Model> make_model(const TokenizerData& data) {
  try {
    check(data);
    if (data.kind == TokenizerKind::byte_level) return std::make_unique<ByteLevelModel>(data);
    return std::make_unique<SentencePieceModel>(data);
  } catch (const Error& error) {
    if (data.file.empty()) throw;
    throw Error(error.kind(), "{}: {}", data.file, error.what());
  }
}

bool is_control(PieceType type) {
  return type == PieceType::control || type == PieceType::unused;
}

}  // namespace

Tokenizer::Tokenizer(const TokenizerData& data)
    : pieces_(data.pieces),
      types_(data.types),
      dummy_prefix_(data.kind == TokenizerKind::sentencepiece ? data.dummy_prefix : DummyPrefix::none),
      add_bos_(data.add_bos),
      add_eos_(data.add_eos),
      bos_(data.bos),
      eos_(data.eos),
      end_of_turn_(data.end_of_turn),
      chat_template_(data.chat_template),
      model_(make_model(data)) {
  sort_special_tokens(data);
}

void Tokenizer::sort_special_tokens(const TokenizerData& data) {
  std::vector<bool> normalized(pieces_.size(), false);
  for (const std::int32_t id : data.found_normalized) normalized[id] = true;
  // `Prepend` puts its space before a token as it does before a text.
  const std::string prefix(dummy_prefix_ == DummyPrefix::stretches ? space_mark : "");
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const bool control = types_[i] == PieceType::control || types_[i] == PieceType::unknown;
    if (control) control_tokens_.emplace(pieces_[i], id);
    if (!control && types_[i] != PieceType::user_defined) continue;
    if (normalized[i])
      found_normalized_.add(prefix + pieces_[i], id, control);
    else
      special_.add(pieces_[i], id, control);
  }
}

Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

// What lies between two tokens that were found in the text as it is written.
struct Tokenizer::Stretch {
  std::string_view text;
  bool starts_text;  // nothing is before it
  bool control;      // whether control tokens count
};

std::vector<std::int32_t> Tokenizer::encode(std::string_view raw, Special special, AddSpecial add,
                                            Before before) const {
  const std::string valid = valid_utf8(raw);
  const std::string_view text = valid;
  const bool control = special == Special::parse;
  std::vector<std::int32_t> ids;
  if (add == AddSpecial::as_the_model_says && add_bos_) ids.push_back(*bos_);

  bool after_text = false;  // SentencePiece: after a control token comes a text of its own
  for (std::size_t done = 0; done < text.size();) {
    const auto match = special_.find(text, done, control);
    const std::size_t end = match ? match->begin : text.size();
    const std::string_view stretch = text.substr(done, end - done);
    if (dummy_prefix_ != DummyPrefix::texts) {
      if (!stretch.empty()) encode_stretch({stretch, done == 0 && before == Before::nothing, control}, ids);
    } else if (!stretch.empty() || (match && !match->control && !after_text)) {
      // The prefix stands before a user-defined piece at the start, too.
      model_->encode(stretch, !after_text, ids);
      after_text = true;
    }
    if (!match) break;
    ids.push_back(match->id);
    after_text = !match->control;
    done = match->end;
  }
  if (add == AddSpecial::as_the_model_says && add_eos_) ids.push_back(*eos_);
  return ids;
}

// Hugging Face's order: `Prepend`, then the tokens that are looked for in what it leaves, then `Metaspace`.
void Tokenizer::encode_stretch(const Stretch& stretch, std::vector<std::int32_t>& ids) const {
  std::string normal(stretch.text);
  if (dummy_prefix_ == DummyPrefix::stretches) normal = mark_spaces(" " + normal);
  const std::string_view text = normal;
  for (std::size_t done = 0; done < text.size();) {
    const auto match = found_normalized_.find(text, done, stretch.control);
    const std::size_t end = match ? match->begin : text.size();
    const std::string_view part = text.substr(done, end - done);
    if (!part.empty()) model_->encode(part, needs_prefix(part, stretch.starts_text && done == 0), ids);
    if (!match) break;
    ids.push_back(match->id);
    done = match->end;
  }
}

bool Tokenizer::needs_prefix(std::string_view text, bool starts_text) const {
  const bool bare = !text.starts_with(' ') && !text.starts_with(space_mark);
  return bare && (dummy_prefix_ == DummyPrefix::bare_stretches ||
                  (dummy_prefix_ == DummyPrefix::bare_texts && starts_text));
}

std::string Tokenizer::piece_bytes(std::int32_t id, Control control) const {
  check_id(id);
  if (is_control(types_[id])) return control == Control::shown ? pieces_[id] : "";
  return model_->bytes(id);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, Control control) const {
  std::string text;
  bool starts_text = dummy_prefix_ != DummyPrefix::none;
  for (const std::int32_t id : ids) {
    const std::string bytes = piece_bytes(id, control);
    const bool has_prefix = starts_text && !is_control(types_[id]) && bytes.starts_with(' ');
    text += has_prefix ? bytes.substr(1) : bytes;
    if (!is_control(types_[id])) starts_text = false;
  }
  return text;
}

std::int32_t Tokenizer::vocab() const {
  return static_cast<std::int32_t>(pieces_.size());
}

const std::string& Tokenizer::piece(std::int32_t id) const {
  check_id(id);
  return pieces_[id];
}

PieceType Tokenizer::type(std::int32_t id) const {
  check_id(id);
  return types_[id];
}

std::optional<std::int32_t> Tokenizer::control_token(std::string_view text) const {
  const auto found = control_tokens_.find(std::string(text));
  if (found == control_tokens_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::int32_t> Tokenizer::bos() const {
  return bos_;
}
std::optional<std::int32_t> Tokenizer::eos() const {
  return eos_;
}
const std::vector<std::int32_t>& Tokenizer::end_of_turn() const {
  return end_of_turn_;
}
const std::string& Tokenizer::chat_template() const {
  return chat_template_;
}

bool Tokenizer::ends_turn(std::int32_t id) const {
  return std::find(end_of_turn_.begin(), end_of_turn_.end(), id) != end_of_turn_.end();
}

void Tokenizer::check_id(std::int32_t id) const {
  if (id < 0 || id >= vocab())
    throw Error(ErrorKind::usage, "token id {} is outside the vocabulary: expected 0 to {}", id, vocab() - 1);
}

}  // namespace rung
