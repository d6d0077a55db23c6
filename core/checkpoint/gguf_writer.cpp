#include "core/checkpoint/gguf_writer.h"

#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "core/checkpoint/ggml_types.h"
#include "core/checkpoint/stored_tensor.h"
#include "core/error.h"

namespace rung {

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::int64_t alignment = 32;    // what GGUF means when a file does not say another one
constexpr std::size_t longest_name = 63;  // ggml's own limit
constexpr std::size_t most_extents = 4;   // ggml's, too
constexpr std::string_view magic = "GGUF";
constexpr std::uint32_t version = 3;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

template <typename Number>
void append_number(Bytes& bytes, Number number) {
  bytes.resize(bytes.size() + sizeof(Number));
  std::memcpy(bytes.data() + bytes.size() - sizeof(Number), &number, sizeof(Number));
}

void append_type(Bytes& bytes, GgufType type) {
  append_number(bytes, static_cast<std::uint32_t>(type));
}

void append_raw(Bytes& bytes, std::span<const std::byte> raw) {
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// GGUF's string: a 64-bit length and as many bytes.
void append_text(Bytes& bytes, std::string_view text) {
  append_number(bytes, std::uint64_t{text.size()});
  append_raw(bytes, std::as_bytes(std::span(text)));
}

template <typename Number>
Bytes scalar(GgufType type, Number number) {
  Bytes bytes;
  append_type(bytes, type);
  append_number(bytes, number);
  return bytes;
}

Bytes array_head(GgufType element, std::uint64_t count) {
  Bytes bytes;
  append_type(bytes, GgufType::array);
  append_type(bytes, element);
  append_number(bytes, count);
  return bytes;
}

}  // namespace

void GgufEntries::set(std::string_view key, std::uint32_t value) {
  encoded_[std::string(key)] = scalar(GgufType::uint32, value);
}
void GgufEntries::set(std::string_view key, float value) {
  encoded_[std::string(key)] = scalar(GgufType::float32, value);
}
void GgufEntries::set(std::string_view key, bool value) {
  encoded_[std::string(key)] = scalar(GgufType::boolean, static_cast<std::uint8_t>(value));
}

void GgufEntries::set(std::string_view key, std::string_view value) {
  Bytes bytes;
  append_type(bytes, GgufType::string);
  append_text(bytes, value);
  encoded_[std::string(key)] = std::move(bytes);
}

void GgufEntries::set(std::string_view key, const std::vector<std::string>& values) {
  Bytes bytes = array_head(GgufType::string, values.size());
  for (const std::string& value : values) append_text(bytes, value);
  encoded_[std::string(key)] = std::move(bytes);
}

void GgufEntries::set(std::string_view key, const std::vector<std::int32_t>& values) {
  Bytes bytes = array_head(GgufType::int32, values.size());
  append_raw(bytes, std::as_bytes(std::span(values)));
  encoded_[std::string(key)] = std::move(bytes);
}

void GgufEntries::set(std::string_view key, const std::vector<float>& values) {
  Bytes bytes = array_head(GgufType::float32, values.size());
  append_raw(bytes, std::as_bytes(std::span(values)));
  encoded_[std::string(key)] = std::move(bytes);
}

void GgufEntries::copy(const GgufMetadata& metadata) {
  for (const auto& [key, value] : metadata.values()) {
    if (key == "general.alignment") continue;
    Bytes bytes;
    if (value.is_array) {
      bytes = array_head(value.type, value.count);
    } else {
      append_type(bytes, value.type);
    }
    append_raw(bytes, value.bytes);
    encoded_[std::string(key)] = std::move(bytes);
  }
}

void GgufEntries::remove(std::string_view key) {
  const auto found = encoded_.find(key);
  if (found != encoded_.end()) encoded_.erase(found);
}

GgufWriter::GgufWriter(std::filesystem::path path, const GgufEntries& metadata,
                       std::vector<GgufTensor> tensors)
    : file_(std::move(path)), tensors_(std::move(tensors)) {
  write_head(metadata);
  missing_ = tensors_.empty() ? 0 : bytes_of(tensors_.front());
}

std::int64_t GgufWriter::bytes_of(const GgufTensor& tensor) const {
  return stored_bytes(file_.path().string() + ": tensor " + tensor.name, tensor.dtype, tensor.shape);
}

void GgufWriter::write_head(const GgufEntries& metadata) {
  Bytes head;
  append_raw(head, std::as_bytes(std::span(magic)));
  append_number(head, version);
  append_number(head, std::uint64_t{tensors_.size()});
  append_number(head, std::uint64_t{metadata.encoded().size()});
  for (const auto& [key, value] : metadata.encoded()) {
    append_text(head, key);
    append_raw(head, value);
  }
  std::set<std::string_view> names;
  std::int64_t offset = 0;
  for (const GgufTensor& tensor : tensors_) {
    if (tensor.name.size() > longest_name || tensor.shape.empty() || tensor.shape.size() > most_extents ||
        !names.insert(tensor.name).second) {
      throw Error(
          ErrorKind::bad_input,
          "{}: tensor {}: GGUF wants a name of at most {} bytes that is used once, and 1 to {} extents; "
          "this one has {}",
          file_.path().string(), tensor.name, longest_name, most_extents, tensor.shape.size());
    }
    append_text(head, tensor.name);
    append_number(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto extent = tensor.shape.rbegin(); extent != tensor.shape.rend(); ++extent) {  // fastest first
      append_number(head, static_cast<std::uint64_t>(*extent));
    }
    append_number(head, ggml_number(tensor.dtype));
    append_number(head, static_cast<std::uint64_t>(offset));
    offset += aligned(bytes_of(tensor));
  }
  const std::int64_t data = aligned(std::ssize(head));
  file_bytes_ = data + offset;
  head.resize(static_cast<std::size_t>(data));
  file_.append(head);
}

const GgufTensor& GgufWriter::next() const {
  if (next_ == tensors_.size()) {
    throw Error(ErrorKind::usage, "{}: all {} tensors are written", file_.path().string(), tensors_.size());
  }
  return tensors_[next_];
}

void GgufWriter::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (std::ssize(bytes) > missing_) {
    throw Error(ErrorKind::usage, "{}: {} bytes for tensor {}, of which {} are missing",
                file_.path().string(), bytes.size(), next().name, missing_);
  }
  file_.append(bytes);
  missing_ -= std::ssize(bytes);
  if (missing_ > 0) return;
  pad(bytes_of(tensors_[next_]));
  ++next_;
  if (next_ < tensors_.size()) missing_ = bytes_of(tensors_[next_]);
}

void GgufWriter::pad(std::int64_t written) {
  constexpr std::array<std::byte, alignment> zeros{};
  file_.append(std::span(zeros).first(static_cast<std::size_t>(aligned(written) - written)));
}

void GgufWriter::finish() {
  if (next_ < tensors_.size()) {
    throw Error(ErrorKind::usage, "{}: tensor {} misses {} bytes, and {} more follow it",
                file_.path().string(), tensors_[next_].name, missing_, tensors_.size() - next_ - 1);
  }
  file_.finish(true);
}

}  // namespace rung
