#include <limits>

#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/gguf_reader.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

std::string_view type_name(GgufType type) {
  switch (type) {
    case GgufType::uint8:
      return "uint8";
    case GgufType::int8:
      return "int8";
    case GgufType::uint16:
      return "uint16";
    case GgufType::int16:
      return "int16";
    case GgufType::uint32:
      return "uint32";
    case GgufType::int32:
      return "int32";
    case GgufType::float32:
      return "float32";
    case GgufType::boolean:
      return "bool";
    case GgufType::string:
      return "string";
    case GgufType::array:
      return "array";
    case GgufType::uint64:
      return "uint64";
    case GgufType::int64:
      return "int64";
    case GgufType::float64:
      return "float64";
  }
  return "unknown";
}

/// The next element, when it is of an integer type and fits int64.
std::optional<std::int64_t> next_integer(ByteReader& reader, GgufType type, std::string_view key) {
  switch (type) {
    case GgufType::uint8:
      return reader.number<std::uint8_t>(key);
    case GgufType::int8:
      return reader.number<std::int8_t>(key);
    case GgufType::uint16:
      return reader.number<std::uint16_t>(key);
    case GgufType::int16:
      return reader.number<std::int16_t>(key);
    case GgufType::uint32:
      return reader.number<std::uint32_t>(key);
    case GgufType::int32:
      return reader.number<std::int32_t>(key);
    case GgufType::int64:
      return reader.number<std::int64_t>(key);
    case GgufType::uint64: {
      const auto value = reader.number<std::uint64_t>(key);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

void GgufMetadata::wrong_type(std::string_view key, std::string_view expected, const GgufValue& found) const {
  throw Error(ErrorKind::bad_input, "{}: metadata {}: expected {}, found {}{}", file_.string(), key, expected,
              found.is_array ? "an array of " : "", type_name(found.type));
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const GgufValue* GgufMetadata::find_scalar(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr && value->is_array) wrong_type(key, "a single value", *value);
  return value;
}

const GgufValue* GgufMetadata::find_array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr && !value->is_array) wrong_type(key, "an array", *value);
  return value;
}

std::optional<std::int64_t> GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = find_scalar(key);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(file_, value->bytes);
  const auto result = next_integer(reader, value->type, key);
  if (!result) wrong_type(key, "an integer below 2^63", *value);
  return result;
}

std::int64_t GgufMetadata::required_integer(std::string_view key) const {
  const auto value = integer(key);
  if (!value) throw Error(ErrorKind::bad_input, "{}: metadata {} is missing", file_.string(), key);
  return *value;
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
  const GgufValue* value = find_scalar(key);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(file_, value->bytes);
  if (value->type == GgufType::float32) return reader.number<float>(key);
  if (value->type == GgufType::float64) return reader.number<double>(key);
  const auto result = next_integer(reader, value->type, key);
  if (!result) wrong_type(key, "a number", *value);
  return static_cast<double>(*result);
}

std::optional<bool> GgufMetadata::flag(std::string_view key) const {
  const GgufValue* value = find_scalar(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::boolean) wrong_type(key, "a bool", *value);
  return ByteReader(file_, value->bytes).number<std::uint8_t>(key) != 0;
}

std::optional<std::string_view> GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = find_scalar(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::string) wrong_type(key, "a string", *value);
  return ByteReader(file_, value->bytes).text(key);
}

std::uint64_t GgufMetadata::count(std::string_view key) const {
  const GgufValue* value = find_array(key);
  return value == nullptr ? 0 : value->count;
}

// The counts below were compared with the file's size when it was read, so that they bound what is allocated.

std::vector<std::string_view> GgufMetadata::texts(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::string) wrong_type(key, "an array of strings", *value);
  std::vector<std::string_view> result;
  result.reserve(static_cast<std::size_t>(value->count));
  ByteReader reader(file_, value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) result.push_back(reader.text(key));
  return result;
}

std::vector<std::int64_t> GgufMetadata::integers(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> result;
  result.reserve(static_cast<std::size_t>(value->count));
  ByteReader reader(file_, value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto element = next_integer(reader, value->type, key);
    if (!element) wrong_type(key, "an array of integers", *value);
    result.push_back(*element);
  }
  return result;
}

std::vector<float> GgufMetadata::floats(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::float32) wrong_type(key, "an array of float32", *value);
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(value->count));
  ByteReader reader(file_, value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) result.push_back(reader.number<float>(key));
  return result;
}

}  // namespace rung
