#include "tests/corruption/damage.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rung::support {

namespace {

/// Numbers that are NaN or infinite in every type a checkpoint has: all bits set, or fp16's and fp32's
/// infinity.
void poison(Bytes& data, Dice& dice) {
  const std::size_t at = dice.below(data.size() / 4) * 4;
  const bool infinity = dice.below(2) == 0;
  for (std::size_t i = 0; i < 4; ++i)
    data[at + i] = infinity ? std::byte(i % 2 == 0 ? 0x00 : 0x7c) : std::byte{0xff};
  if (infinity) data[at + 2] = std::byte{0x80}, data[at + 3] = std::byte{0x7f};
}

template <typename File>
auto& any_tensor(File& file, Dice& dice) {
  return file.tensors[dice.below(file.tensors.size())];
}

/// Replaces one of the numbers in a list of extents.
template <typename T>
std::string lie_about_extents(std::vector<T>& extents, Dice& dice) {
  const std::size_t which = dice.below(extents.size());
  switch (dice.below(4)) {
    case 0:
      extents[which] = static_cast<T>(odd_number(dice, static_cast<std::uint64_t>(extents[which])));
      break;
    case 1:
      extents[which] += 1;
      break;
    case 2:
      extents.push_back(static_cast<T>(odd_number(dice, 1)));
      break;
    default:
      std::reverse(extents.begin(), extents.end());
      break;
  }
  return "extents";
}

std::vector<std::string> some_pieces(Dice& dice) {
  std::vector<std::string> pieces;
  const std::size_t count = dice.below(2000);
  for (std::size_t i = 0; i < count; ++i) pieces.push_back(fmt::format("{}", dice.below(4000)));
  return pieces;
}

std::string lie_about_tokenizer(GgufFile& file, Dice& dice) {
  constexpr std::array<const char*, 9> keys = {
      "tokenizer.ggml.model",        "tokenizer.ggml.pre",          "tokenizer.ggml.tokens",
      "tokenizer.ggml.token_type",   "tokenizer.ggml.merges",       "tokenizer.ggml.scores",
      "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_bos_token"};
  const std::string key = keys[dice.below(keys.size())];
  switch (dice.below(6)) {
    case 0:
      file.remove(key);
      break;
    case 1:
      file.set(key, some_pieces(dice));
      break;
    case 2:
      file.set(key, std::vector<std::int32_t>(dice.below(2000), static_cast<std::int32_t>(dice.bits())));
      break;
    case 3:
      file.set(key, std::vector<float>(dice.below(2000), -1.5f));
      break;
    case 4:
      file.set(key, static_cast<std::uint32_t>(odd_number(dice, 1024)));
      break;
    default:
      file.set("tokenizer.ggml.merges", std::vector<std::string>{"a b", fmt::format("{} q", dice.below(9))});
  }
  return "tokenizer: " + key;
}

std::string lie_about_metadata(GgufFile& file, Dice& dice) {
  GgufFile::Entry& entry = file.metadata[dice.below(file.metadata.size())];
  const std::string key = entry.key;
  switch (dice.below(6)) {
    case 0:
      file.remove(key);
      break;
    case 1:
      file.set(key, static_cast<std::uint32_t>(odd_number(dice, 64)));
      break;
    case 2:
      file.set(key, std::numeric_limits<float>::quiet_NaN());
      break;
    case 3:
      file.set(key, "nonsense\n\x1b[31m");
      break;
    case 4:
      file.metadata.push_back(entry);
      break;
    default: {
      Bytes value;  // a type or an element type, and a length, that may not exist
      append(value, static_cast<std::uint32_t>(dice.below(15)));
      append(value, static_cast<std::uint32_t>(dice.below(15)));
      append(value, odd_number(dice, 100));
      file.set_raw(key, value);
    }
  }
  return "metadata: " + key;
}

}  // namespace

std::uint64_t odd_number(Dice& dice, std::uint64_t size) {
  const std::uint64_t power = std::uint64_t{1} << dice.below(64);
  switch (dice.below(6)) {
    case 0:
      return dice.below(4);
    case 1:
      return power - 1 + dice.below(3);
    case 2:
      return size - 1 + dice.below(3);
    case 3:
      return ~std::uint64_t{0} - dice.below(64);
    case 4:
      return (std::uint64_t{1} << 32) * dice.below(5);
    default:
      return dice.bits();
  }
}

std::string damage_bytes(Bytes& bytes, std::size_t head, Dice& dice) {
  head = std::min(head, bytes.size());
  const std::size_t at = dice.below(dice.below(4) == 0 ? bytes.size() : head);
  const std::size_t length = std::min(1 + dice.below(16), bytes.size() - at);
  switch (dice.below(8)) {
    case 0:
      bytes.resize(at);
      return fmt::format("cut off at {}", at);
    case 1:
    case 2: {
      const auto bit = dice.below(8);
      bytes[at] ^= std::byte(1 << bit);
      return fmt::format("bit {} of byte {} flipped", bit, at);
    }
    case 3:
      for (std::size_t i = 0; i < length; ++i) bytes[at + i] = std::byte(dice.below(256));
      return fmt::format("{} bytes at {} overwritten", length, at);
    case 4: {
      const std::uint64_t number = odd_number(dice, bytes.size());
      const std::size_t size = std::min<std::size_t>(dice.below(2) == 0 ? 4 : 8, bytes.size() - at);
      std::memcpy(bytes.data() + at, &number, size);
      return fmt::format("{} written at {} in {} bytes", number, at, size);
    }
    case 5:
      bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
      return fmt::format("{} bytes at {} removed", length, at);
    case 6: {
      const Bytes inserted(length, std::byte(dice.below(256)));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
      return fmt::format("{} bytes inserted at {}", length, at);
    }
    default: {
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(dice.below(bytes.size() - length + 1)), length,
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
      return fmt::format("{} bytes at {} replaced by others of the file", length, at);
    }
  }
}

std::string lie(GgufFile& file, Dice& dice) {
  GgufFile::Tensor& tensor = any_tensor(file, dice);
  switch (dice.below(13)) {
    case 0:
      file.tensor_count = odd_number(dice, file.tensors.size());
      return "tensor count";
    case 1:
      file.entry_count = odd_number(dice, file.metadata.size());
      return "metadata count";
    case 2:
      tensor.offset = odd_number(dice, 1 << 20);
      return "offset of " + tensor.name;
    case 3:
      tensor.offset = dice.below(1 << 16) * 32;
      return "aligned offset of " + tensor.name;
    case 4:
      return lie_about_extents(tensor.extents, dice) + " of " + tensor.name;
    case 5:
      tensor.type = static_cast<std::uint32_t>(dice.below(40));
      return "type of " + tensor.name;
    case 6:
      poison(tensor.data, dice);
      return "NaN or infinity in " + tensor.name;
    case 7:
      tensor.name = dice.below(2) == 0 ? "blk.0.attn_q.bias" : any_tensor(file, dice).name;
      return "a name";
    case 8:
      file.remove_tensor(tensor.name);
      return "a tensor missing";
    case 9:
      file.version = static_cast<std::uint32_t>(odd_number(dice, 3));
      return "version";
    case 10:
      return lie_about_metadata(file, dice);
    default:
      return lie_about_tokenizer(file, dice);
  }
}

std::string lie(SafetensorsFile& file, Dice& dice) {
  SafetensorsFile::Tensor& tensor = any_tensor(file, dice);
  switch (dice.below(7)) {
    case 0:
      file.header_length = odd_number(dice, 4000);
      return "header length";
    case 1:
      tensor.offsets = {{odd_number(dice, 0), odd_number(dice, 1 << 16)}};
      return "offsets of " + tensor.name;
    case 2:
      return lie_about_extents(tensor.shape, dice) + " of " + tensor.name;
    case 3: {
      constexpr std::array<const char*, 5> types = {"F32", "F16", "BF16", "I64", "no\nsuch\ttype"};
      tensor.dtype = types[dice.below(types.size())];
      return "type of " + tensor.name;
    }
    case 4:
      poison(tensor.data, dice);
      return "NaN or infinity in " + tensor.name;
    case 5:
      tensor.name = dice.below(2) == 0 ? "model.layers.0.mlp.gate.weight" : any_tensor(file, dice).name;
      return "a name";
    default:
      file.remove_tensor(tensor.name);
      return "a tensor missing";
  }
}

std::string lie(nlohmann::json& json, Dice& dice) {
  // Walks down until a value is hit; large objects (a vocabulary) are left again soon.
  nlohmann::json* value = &json;
  std::string path;
  for (int depth = 0; depth < 8; ++depth) {
    if (!value->is_structured() || value->empty() || (depth > 0 && dice.below(4) == 0)) break;
    auto item = value->begin();
    std::advance(item, static_cast<std::ptrdiff_t>(dice.below(value->size())));
    path += "/" + (value->is_object() ? item.key() : std::string("[]"));
    if (dice.below(8) == 0) {
      value->erase(item);
      return path + " removed";
    }
    value = &*item;
  }
  switch (dice.below(10)) {
    case 0:
      *value = nullptr;
      break;
    case 1:
      *value = odd_number(dice, 64);
      break;
    case 2:
      *value = -static_cast<std::int64_t>(dice.below(1000));
      break;
    case 3:
      *value = 1e308;
      break;
    case 4:
      *value = 0.5;
      break;
    case 5:
      *value = "nonsense\n\x1b[31m";
      break;
    case 6:
      *value = nlohmann::json::array({1, "a", nullptr});
      break;
    case 7:
      *value = nlohmann::json::object({{"type", "nonsense"}});
      break;
    case 8:
      *value = dice.below(2) == 0;
      break;
    default:
      *value = "";
      break;
  }
  return path + " replaced";
}

}  // namespace rung::support
