// What may be wrong with a tensor of blocks, one thing after the other, for every type with blocks: each is refused in one
// line that names the file and the tensor.

#include "tests/corruption/block_types.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/ggml_types.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
using namespace rung::support;

namespace {

constexpr const char* damaged = "blk.0.ffn_up.weight";  // the matrix that is damaged

/// Opens a file with these bytes and decodes all of it.
/// @return what is complained about; "" when nothing is
std::string complaint_about(const Bytes& bytes, const std::filesystem::path& path) {
  write_file(path, bytes);
  try {
    const Checkpoint checkpoint = Checkpoint::open(path);
    for (const Tensor& tensor : checkpoint.tensors()) load_f32(tensor);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Every type, the file that is fine, and where files may be written.
template <typename Damage>
void for_each_type(Damage damage) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "tiny.gguf";
  for (const DType type : block_types) {
    Dice dice(17);
    const GgufFile fine = quantised_gguf(type, dice);
    INFO(name(type));
    REQUIRE(complaint_about(fine.bytes(), path).empty());
    damage(type, fine, path);
  }
}

/// Checks that the file is refused in one line with the path, the tensor and the word.
void check_refused(const GgufFile& file, const std::filesystem::path& path, const std::string& tensor,
                   const std::string& word) {
  const std::string complaint = complaint_about(file.bytes(), path);
  INFO("'" << complaint << "'");
  CHECK(one_line_with(complaint, {path.string(), tensor, word}));
}

void put_bits(Bytes& data, std::size_t at, std::uint16_t bits) {
  data.at(at) = std::byte(bits & 255);
  data.at(at + 1) = std::byte(bits >> 8);
}

}  // namespace

TEST_CASE("a scale or minimum that is no number is found in every block") {
  for_each_type([](DType type, const GgufFile& fine, const std::filesystem::path& path) {
    const auto size = static_cast<std::size_t>(info(type).block_bytes);
    GgufFile file = fine;
    const Bytes whole = file.tensor(damaged).data;
    for (const std::uint16_t bits : std::initializer_list<std::uint16_t>{
             0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFFFF}) {  // infinite, and not a number
      for (const std::size_t field : fp16_fields(type)) {
        for (const std::size_t block : {std::size_t{0}, std::size_t{3}, whole.size() / size - 1}) {
          file.tensor(damaged).data = whole;
          put_bits(file.tensor(damaged).data, block * size + field, bits);
          check_refused(file, path, damaged, "damaged");
        }
      }
    }
  });
}

TEST_CASE("a file that ends inside a block is cut off") {
  for_each_type([](DType type, const GgufFile& fine, const std::filesystem::path& path) {
    // Of the last tensor half a block is missing, or all but one byte of the last one.
    const auto size = static_cast<std::size_t>(info(type).block_bytes);
    GgufFile reordered = fine;
    const auto matrix = std::ranges::find(reordered.tensors, std::string(damaged), &GgufFile::Tensor::name);
    std::rotate(matrix, matrix + 1, reordered.tensors.end());  // the matrix comes last
    REQUIRE(reordered.tensors.back().name == damaged);
    for (const std::size_t missing : {std::size_t{1}, size / 2, size - 1, size, 3 * size + 1}) {
      const Bytes bytes = reordered.bytes();
      // Behind the last tensor may be padding.
      const std::size_t padding = (32 - reordered.tensors.back().data.size() % 32) % 32;
      for (const std::size_t padded : {std::size_t{0}, padding}) {
        Bytes cut = bytes;
        cut.resize(bytes.size() - padded - missing);
        const std::string complaint = complaint_about(cut, path);
        if (padded == 0 && missing <= padding && complaint.empty()) continue;  // only padding is missing
        INFO(missing << " missing: '" << complaint << "'");
        CHECK(one_line_with(complaint, {path.string(), damaged, "cut off"}));
      }
    }
  });
}

TEST_CASE("rows that are no whole blocks are refused") {
  for_each_type([](DType type, const GgufFile& fine, const std::filesystem::path& path) {
    const auto block = static_cast<std::uint64_t>(info(type).block_elements);
    for (const std::uint64_t row : {block - 1, block + 1, block / 2, 256 + block / 2, std::uint64_t{255}}) {
      GgufFile file = fine;
      file.tensor(damaged).extents[0] = row;
      check_refused(file, path, damaged, "whole blocks");
    }
  });
}

TEST_CASE("rows of another length than the config says are refused, though they are whole blocks") {
  for_each_type([](DType /*type*/, const GgufFile& fine, const std::filesystem::path& path) {
    GgufFile twice = fine;
    twice.tensor(damaged).extents = {512, 128};
    check_refused(twice, path, damaged, "expected");
    GgufFile more = fine;
    more.tensor(damaged).extents[1] += 1;  // a row more than there is
    const std::string complaint = complaint_about(more.bytes(), path);
    INFO("'" << complaint << "'");
    CHECK(one_line_with(complaint, {path.string(), damaged}));
  });
}

TEST_CASE("a type that is none, that is not read, or that needs other bytes is refused") {
  for_each_type([](DType type, const GgufFile& fine, const std::filesystem::path& path) {
    for (const std::uint32_t number : {4U, 5U, 31U, 36U, 39U, 1000U, 0xFFFFFFFFU}) {
      GgufFile file = fine;
      file.tensor(damaged).type = number;
      check_refused(file, path, damaged, "");
    }
    for (const DType other : block_types) {
      // One that takes more bytes reaches into the next tensor. One that takes fewer leaves bytes that nobody reads:
      // a file may have gaps, and what it decodes to is as good as any numbers.
      if (info(other).block_bytes * info(type).block_elements <=
          info(type).block_bytes * info(other).block_elements) {
        continue;
      }
      GgufFile file = fine;
      file.tensor(damaged).type = ggml_number(other);
      INFO("as " << name(other));
      check_refused(file, path, damaged, "");
    }
  });
}
