#include "tests/support/checkpoint_files.h"

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace rung::support {

namespace {

void append_text(Bytes& bytes, std::string_view text) {
  append(bytes, std::uint64_t{text.size()});
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
}

template <typename T>
Bytes typed(std::uint32_t type, const T& value) {
  Bytes bytes;
  append(bytes, type);
  append(bytes, value);
  return bytes;
}

Bytes array_head(std::uint32_t element_type, std::size_t count) {
  Bytes bytes;
  append(bytes, std::uint32_t{9});
  append(bytes, element_type);
  append(bytes, std::uint64_t{count});
  return bytes;
}

template <typename List>
auto& find_named(List& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [name](const auto& item) { return item.name == name; });
  if (found == list.end()) throw std::logic_error("the test's file has no tensor " + std::string(name));
  return *found;
}

}  // namespace

Bytes f32_bytes(const std::vector<float>& numbers) {
  Bytes bytes;
  for (const float number : numbers) append(bytes, number);
  return bytes;
}

void GgufFile::set_raw(std::string_view key, Bytes type_and_value) {
  for (Entry& entry : metadata) {
    if (entry.key == key) {
      entry.type_and_value = std::move(type_and_value);
      return;
    }
  }
  metadata.push_back({std::string(key), std::move(type_and_value)});
}

void GgufFile::set(std::string_view key, std::uint32_t value) {
  set_raw(key, typed(4, value));
}
void GgufFile::set(std::string_view key, float value) {
  set_raw(key, typed(6, value));
}
void GgufFile::set(std::string_view key, bool value) {
  set_raw(key, typed(7, static_cast<std::uint8_t>(value)));
}

void GgufFile::set(std::string_view key, std::string_view value) {
  Bytes bytes;
  append(bytes, std::uint32_t{8});
  append_text(bytes, value);
  set_raw(key, std::move(bytes));
}

void GgufFile::set(std::string_view key, const std::vector<std::string>& values) {
  Bytes bytes = array_head(8, values.size());
  for (const std::string& value : values) append_text(bytes, value);
  set_raw(key, std::move(bytes));
}

void GgufFile::set(std::string_view key, const std::vector<std::int32_t>& values) {
  Bytes bytes = array_head(5, values.size());
  for (const std::int32_t value : values) append(bytes, value);
  set_raw(key, std::move(bytes));
}

void GgufFile::set(std::string_view key, const std::vector<float>& values) {
  Bytes bytes = array_head(6, values.size());
  for (const float value : values) append(bytes, value);
  set_raw(key, std::move(bytes));
}

void GgufFile::remove(std::string_view key) {
  std::erase_if(metadata, [key](const Entry& entry) { return entry.key == key; });
}

GgufFile::Tensor& GgufFile::tensor(std::string_view name) {
  return find_named(tensors, name);
}

void GgufFile::remove_tensor(std::string_view name) {
  std::erase_if(tensors, [name](const Tensor& tensor) { return tensor.name == name; });
}

Bytes GgufFile::bytes() const {
  Bytes out;
  for (const char c : magic) out.push_back(static_cast<std::byte>(c));
  append(out, version);
  append(out, tensor_count.value_or(tensors.size()));
  append(out, entry_count.value_or(metadata.size()));
  for (const Entry& entry : metadata) {
    append_text(out, entry.key);
    out.insert(out.end(), entry.type_and_value.begin(), entry.type_and_value.end());
  }
  const auto pad = [this](std::size_t n) { return (n + alignment - 1) / alignment * alignment; };
  std::uint64_t next = 0;
  for (const Tensor& tensor : tensors) {
    append_text(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.extents.size()));
    for (const std::uint64_t extent : tensor.extents) append(out, extent);
    append(out, tensor.type);
    append(out, tensor.offset.value_or(next));
    next += pad(tensor.data.size());
  }
  for (const Tensor& tensor : tensors) {
    out.resize(pad(out.size()));
    out.insert(out.end(), tensor.data.begin(), tensor.data.end());
  }
  return out;
}

SafetensorsFile::Tensor& SafetensorsFile::tensor(std::string_view name) {
  return find_named(tensors, name);
}

void SafetensorsFile::remove_tensor(std::string_view name) {
  std::erase_if(tensors, [name](const Tensor& tensor) { return tensor.name == name; });
}

Bytes SafetensorsFile::bytes() const {
  nlohmann::json list = nlohmann::json::object();
  std::uint64_t next = 0;
  for (const Tensor& tensor : tensors) {
    const auto offsets = tensor.offsets.value_or(std::pair(next, next + tensor.data.size()));
    list[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offsets.first, offsets.second}}};
    next += tensor.data.size();
  }
  const std::string text = header.value_or(list.dump());
  Bytes out;
  append(out, header_length.value_or(text.size()));
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  for (const Tensor& tensor : tensors) out.insert(out.end(), tensor.data.begin(), tensor.data.end());
  return out;
}

}  // namespace rung::support
