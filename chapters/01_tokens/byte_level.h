#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "chapters/01_tokens/bpe.h"
#include "chapters/01_tokens/pre_tokenizer.h"
#include "chapters/01_tokens/tokenizer.h"

namespace rung {

/// Byte-level BPE (Radford et al. 2019, section 2.2): regexes cut the text into words, the bytes of a word
/// are its smallest pieces, and merges are ranked by when training found them.
class ByteLevelModel final : public Tokenizer::Model {
 public:
  /// @throws Error (bad_input) for a merge of or into a piece that is not there
  explicit ByteLevelModel(const TokenizerData& data);

  void encode(std::string_view text, bool dummy_prefix, std::vector<std::int32_t>& ids) const override;
  std::string bytes(std::int32_t id) const override { return bytes_[id]; }

 private:
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

  PreTokenizer pre_tokenizer_;
  std::vector<std::string> bytes_;          // by id
  std::array<std::int32_t, 256> byte_ids_;  // -1: the vocabulary lacks this byte
  std::optional<std::int32_t> unk_;         // for such a byte
  bool fuse_unk_;
  MergeTable merges_;
  std::unordered_map<std::string, std::int32_t> whole_words_;  // filled when merges can be ignored
};

}  // namespace rung
