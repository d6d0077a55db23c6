#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/gguf_reader.h"
#include "core/files/whole_file.h"
#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

namespace rung {

/// Metadata for a GGUF file: what a key is set to replaces what it was.
class GgufEntries {
 public:
  /// Sets a uint32, as most of llama.cpp's numbers are.
  void set(std::string_view key, std::uint32_t value);
  /// Sets a float32.
  void set(std::string_view key, float value);
  /// Sets a boolean.
  void set(std::string_view key, bool value);
  /// Sets a string.
  void set(std::string_view key, std::string_view value);
  /// The same; a literal would become a boolean.
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  /// Sets an array of strings.
  void set(std::string_view key, const std::vector<std::string>& values);
  /// Sets an array of int32.
  void set(std::string_view key, const std::vector<std::int32_t>& values);
  /// Sets an array of float32.
  void set(std::string_view key, const std::vector<float>& values);
  /// Takes over everything that another file says, but for `general.alignment`: the writer has its own.
  void copy(const GgufMetadata& metadata);
  /// Takes a key out, if it is there.
  void remove(std::string_view key);

  /// Type and value of each key, as the file has them.
  const std::map<std::string, std::vector<std::byte>, std::less<>>& encoded() const { return encoded_; }

 private:
  std::map<std::string, std::vector<std::byte>, std::less<>> encoded_;
};

/// A tensor that a file is going to hold.
struct GgufTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;  ///< slowest first, as everywhere in this project
};

/// Writes a GGUF file, version 3 (ggml/docs/gguf.md), tensor after tensor, so that none needs to be in memory
/// whole: header, metadata and the list of tensors first, then their bytes in the order of the list.
/// The file appears under its name when finish() returns, not before, and is whole then (WholeFile).
class GgufWriter {
 public:
  /// @throws Error (bad_input) naming the file and the tensor for a shape that the dtype cannot hold, more
  ///         than four extents, a name over 63 bytes or used twice, and when the file cannot be written
  GgufWriter(std::filesystem::path path, const GgufEntries& metadata, std::vector<GgufTensor> tensors);

  /// The tensor whose bytes come next.
  /// @throws Error (usage) when all are there
  const GgufTensor& next() const;
  /// Adds bytes to the next tensor: all of them, or any part that does not reach over its end.
  /// @throws Error (usage) for too many, (bad_input) when the file cannot be written
  void append(std::span<const std::byte> bytes);
  /// Waits until the disk has everything, and gives the file its name.
  /// @throws Error (usage) when bytes are missing, (bad_input) when the file cannot be written
  void finish();

  /// Bytes of the whole file.
  std::int64_t file_bytes() const { return file_bytes_; }

 private:
  void write_head(const GgufEntries& metadata);
  std::int64_t bytes_of(const GgufTensor& tensor) const;
  void pad(std::int64_t written);

  WholeFile file_;
  std::vector<GgufTensor> tensors_;
  std::size_t next_ = 0;      // tensors whose bytes are all there
  std::int64_t missing_ = 0;  // bytes of the next one
  std::int64_t file_bytes_ = 0;
};

}  // namespace rung
