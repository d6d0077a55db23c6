#include "core/checkpoint/tokenizer_json.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <unordered_map>

#include "core/checkpoint/byte_piece.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/json_fields.h"
#include "core/checkpoint/printable.h"
#include "core/checkpoint/tokenizer_pipeline.h"
#include "core/checkpoint/turn_markers.h"
#include "core/error.h"

namespace rung {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using Ids = std::unordered_map<std::string, std::int32_t>;

// Every piece and its id, from the vocabulary and from the tokens added to it.
Ids read_ids(const JsonFields& root, const JsonFields& model) {
  Ids ids;
  const JsonFields vocab = model.object("vocab");
  for (const auto& [piece, id] : vocab.value().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= (std::uint64_t{1} << 31))
      model.refuse("vocab", "pieces with ids from 0 on",
                   "another value for \"" + printable(piece, 40) + "\"");
    ids.emplace(piece, id.get<std::int32_t>());
  }
  for (const JsonFields& token : root.objects("added_tokens")) {
    const auto [there, is_new] = ids.emplace(token.text("content"), token.id("id"));
    if (there->second != token.id("id"))
      token.refuse("id", std::to_string(there->second) + ", as before", std::to_string(token.id("id")));
  }
  return ids;
}

// Puts the pieces in the order of their ids. Every id below the number of pieces must be taken once.
std::vector<std::string> in_order(const Ids& ids, const JsonFields& model) {
  std::vector<const std::string*> at(ids.size(), nullptr);
  for (const auto& [piece, id] : ids) {
    if (static_cast<std::size_t>(id) >= ids.size() || at[id] != nullptr)
      model.refuse("vocab", "ids 0 to " + std::to_string(ids.size() - 1) + " once each, without holes",
                   "id " + std::to_string(id) +
                       (static_cast<std::size_t>(id) < ids.size() ? " twice"
                                                                  : " for \"" + printable(piece, 40) + "\""));
    at[id] = &piece;
  }
  std::vector<std::string> pieces;
  pieces.reserve(at.size());
  for (const std::string* piece : at) pieces.push_back(*piece);
  return pieces;
}

// Older files write a merge as "left right", newer ones as ["left", "right"].
std::vector<std::pair<std::string, std::string>> read_merges(const JsonFields& model) {
  std::vector<std::pair<std::string, std::string>> merges;
  const json& list = model.value("merges");
  if (!list.is_array()) model.refuse("merges", "an array", list.type_name());
  merges.reserve(list.size());
  for (const json& merge : list) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
      model.refuse("merges", "pairs of pieces", "something else at place " + std::to_string(merges.size()));
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

void check_model(const JsonFields& model) {
  const std::string type = model.text_or("type", "BPE");  // early files do not say it
  if (type != "BPE") model.refuse("type", "BPE, the model supported", type);
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.text_or(name, "").empty()) model.refuse(name, "nothing", model.text(name));
  if (model.has("dropout") && model.value("dropout") != 0) model.refuse("dropout", "nothing", "a number");
}

// A token that is looked for in normalized text is normalized itself: after `Prepend` and `Replace`, "<x>" is
// "\u2581<x>", which the tokenizer does too. A space inside would become another character.
bool is_found_normalized(const JsonFields& token, TokenizerKind kind) {
  if (!token.flag_or("normalized", false)) return false;
  const std::string content = token.text("content");
  const bool has_space =
      content.find(' ') != std::string::npos || content.find("\xE2\x96\x81") != std::string::npos;
  if (kind == TokenizerKind::sentencepiece && has_space)
    token.refuse("normalized", "false for a token with a space in it", "true");
  return true;
}

void read_types(const JsonFields& root, const JsonFields& model, TokenizerData& data) {
  data.types.assign(data.pieces.size(), PieceType::normal);
  if (model.flag_or("byte_fallback", false))
    for (std::size_t i = 0; i < data.pieces.size(); ++i)
      if (byte_of_piece(data.pieces[i])) data.types[i] = PieceType::byte;
  for (const JsonFields& token : root.objects("added_tokens")) {
    for (const char* name : {"single_word", "lstrip", "rstrip"})
      if (token.flag_or(name, false)) token.refuse(name, "false", "true");
    data.types[token.id("id")] =
        token.flag_or("special", false) ? PieceType::control : PieceType::user_defined;
    if (is_found_normalized(token, data.kind)) data.found_normalized.push_back(token.id("id"));
  }
  protect_turn_markers(data);
  if (data.unk && data.kind == TokenizerKind::sentencepiece) data.types[*data.unk] = PieceType::unknown;
}

// A special token is written as its text, or as an object with the text and flags.
std::optional<std::string> special_token(const JsonFields& config, const char* name) {
  if (!config.has(name)) return std::nullopt;
  if (config.value(name).is_object()) return config.object(name).text("content");
  return config.text(name);
}

// One template, or several with names, of which "default" counts.
std::string chat_template(const JsonFields& config) {
  if (!config.has("chat_template")) return "";
  if (config.value("chat_template").is_string()) return config.text("chat_template");
  for (const JsonFields& named : config.objects("chat_template"))
    if (named.text("name") == "default") return named.text("template");
  return "";
}

std::string read_text_file(const fs::path& file) {
  std::error_code code;
  const auto size = fs::file_size(file, code);
  if (code || size > (1u << 20))
    throw Error(ErrorKind::bad_input, "{}: expected a text of at most 1 MiB", file.string());
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Special tokens by name: what the files beside tokenizer.json say.
class Beside {
 public:
  Beside(const fs::path& directory, const Ids& ids, TokenizerData& data)
      : directory_(directory), ids_(ids), data_(data) {}

  void read(const TokenizerPipeline& pipeline) {
    if (pipeline.before) data_.bos = need(*pipeline.before);
    if (pipeline.after) data_.eos = need(*pipeline.after);
    data_.add_bos = pipeline.before.has_value();
    data_.add_eos = pipeline.after.has_value();
    for (const char* name : {"config.json", "generation_config.json"}) read_token_ids(directory_ / name);
    read_config(directory_ / "tokenizer_config.json", pipeline);
    if (fs::exists(directory_ / "chat_template.jinja"))
      data_.chat_template = read_text_file(directory_ / "chat_template.jinja");

    if (data_.eos) stop_at(*data_.eos);
    for (std::size_t id = 0; id < data_.pieces.size(); ++id)
      if (data_.types[id] == PieceType::control && ends_turn(data_.pieces[id]))
        stop_at(static_cast<std::int32_t>(id));
  }

 private:
  std::int32_t need(const std::string& token) const {
    const auto found = ids_.find(token);
    if (found == ids_.end())
      throw Error(ErrorKind::bad_input,
                  "{}: expected the special token \"{}\" to be in tokenizer.json, but it is not",
                  directory_.string(), printable(token));
    return found->second;
  }

  void stop_at(std::int32_t id) {
    if (std::find(data_.end_of_turn.begin(), data_.end_of_turn.end(), id) == data_.end_of_turn.end())
      data_.end_of_turn.push_back(id);
  }

  std::int32_t in_range(const JsonFields& config, const char* name, const json& id) const {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= data_.pieces.size())
      config.refuse(name, "an id below " + std::to_string(data_.pieces.size()),
                    id.is_number() ? id.dump() : "no id");
    return id.get<std::int32_t>();
  }

  // bos_token_id and eos_token_id, the latter often several.
  void read_token_ids(const fs::path& file) {
    if (!fs::exists(file)) return;
    const json root = read_json(file);
    const JsonFields config(file, "", root);
    if (config.has("bos_token_id"))
      data_.bos = in_range(config, "bos_token_id", config.value("bos_token_id"));
    if (!config.has("eos_token_id")) return;
    const json& eos = config.value("eos_token_id");
    for (const json& id : eos.is_array() ? eos : json::array({eos})) {
      const std::int32_t found = in_range(config, "eos_token_id", id);
      if (!data_.eos) data_.eos = found;
      stop_at(found);
    }
  }

  void read_config(const fs::path& file, const TokenizerPipeline& pipeline) {
    if (!fs::exists(file)) return;
    const json root = read_json(file);
    const JsonFields config(file, "", root);
    if (const auto token = special_token(config, "bos_token")) data_.bos = need(*token);
    if (const auto token = special_token(config, "eos_token")) data_.eos = need(*token);
    // Llama's tokenizer class puts the begin token first unless it is told not to.
    const bool llama = config.text_or("tokenizer_class", "").starts_with("LlamaTokenizer");
    const bool otherwise = pipeline.has_template ? data_.add_bos : llama && data_.bos.has_value();
    data_.add_bos = config.flag_or("add_bos_token", otherwise);
    data_.add_eos = config.flag_or("add_eos_token", data_.add_eos);
    data_.chat_template = chat_template(config);
  }

  const fs::path& directory_;
  const Ids& ids_;
  TokenizerData& data_;
};

}  // namespace

TokenizerData read_tokenizer_json(const fs::path& directory) {
  const fs::path file = directory / "tokenizer.json";
  const json text = read_json(file);
  const JsonFields root(file, "", text);
  const JsonFields model = root.object("model");
  check_model(model);
  const TokenizerPipeline pipeline = read_tokenizer_pipeline(root);
  const Ids ids = read_ids(root, model);

  TokenizerData data;
  data.kind = pipeline.kind;
  data.split_patterns = pipeline.split_patterns;
  data.file = file.string();
  data.dummy_prefix = pipeline.dummy_prefix;
  data.ignore_merges = model.flag_or("ignore_merges", false);
  if (data.ignore_merges && data.kind == TokenizerKind::sentencepiece)
    model.refuse("ignore_merges", "false where spaces are marked by U+2581", "true");
  data.fuse_unk = model.flag_or("fuse_unk", false);
  data.pieces = in_order(ids, model);
  data.merges = read_merges(model);
  if (model.has("unk_token")) {
    const auto found = ids.find(model.text("unk_token"));
    if (found == ids.end()) model.refuse("unk_token", "a piece of the vocabulary", model.text("unk_token"));
    data.unk = found->second;
  }
  read_types(root, model, data);
  Beside(directory, ids, data).read(pipeline);
  return data;
}

}  // namespace rung
