#include "core/checkpoint/gguf_writer.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
namespace fs = std::filesystem;

namespace {

std::vector<std::byte> numbered(std::size_t count, int first) {
  std::vector<std::byte> bytes;
  bytes.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    bytes.push_back(static_cast<std::byte>(static_cast<std::size_t>(first) + i));
  return bytes;
}

}  // namespace

TEST_CASE("what is written to a GGUF file is read back") {
  const support::TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  GgufEntries entries;
  entries.set("general.architecture", "llama");
  entries.set("a.number", std::uint32_t{7});
  entries.set("a.number", std::uint32_t{8});
  entries.set("a.float", 0.25F);
  entries.set("a.flag", true);
  entries.set("some.texts", std::vector<std::string>{"", "two",
                                                     "thr\xC3\xA9"
                                                     "e"});
  entries.set("some.numbers", std::vector<std::int32_t>{-1, 2});
  entries.set("some.floats", std::vector<float>{1.5F, -2});
  entries.set("gone", false);
  entries.remove("gone");
  entries.remove("never there");

  GgufWriter writer(
      path, entries,
      {{"odd", DType::F16, {5}}, {"blocks", DType::Q8_0, {3, 64}}, {"last", DType::F32, {2, 1, 3}}});
  CHECK(writer.next().name == "odd");
  const auto odd = numbered(10, 1);
  const auto blocks = numbered(204, 2);
  const auto last = numbered(24, 3);
  writer.append(odd);
  writer.append(std::span(blocks).first(68));
  CHECK(writer.next().name == "blocks");
  writer.append(std::span(blocks).subspan(68));
  writer.append(last);
  CHECK_FALSE(fs::exists(path));
  writer.finish();
  CHECK(static_cast<std::int64_t>(fs::file_size(path)) == writer.file_bytes());

  const MappedFile file = MappedFile::open(path);
  const GgufContents contents = read_gguf(file);
  CHECK(contents.version == 3);
  const GgufMetadata& metadata = contents.metadata;
  CHECK(metadata.values().size() == 7);
  CHECK(metadata.text("general.architecture") == "llama");
  CHECK(metadata.integer("a.number") == 8);
  CHECK(metadata.number("a.float") == 0.25);
  CHECK(metadata.flag("a.flag") == true);
  CHECK(metadata.texts("some.texts") == std::vector<std::string_view>{"", "two",
                                                                      "thr\xC3\xA9"
                                                                      "e"});
  CHECK(metadata.integers("some.numbers") == std::vector<std::int64_t>{-1, 2});
  CHECK(metadata.floats("some.floats") == std::vector<float>{1.5F, -2});
  REQUIRE(contents.tensors.size() == 3);
  const std::vector<std::vector<std::byte>> bytes = {odd, blocks, last};
  const std::vector<Shape> shapes = {{5}, {3, 64}, {2, 1, 3}};
  const std::vector<DType> types = {DType::F16, DType::Q8_0, DType::F32};
  for (std::size_t i = 0; i < 3; ++i) {
    const TensorView& view = contents.tensors[i].view;
    CHECK(view.shape == shapes[i]);
    CHECK(view.dtype == types[i]);
    CHECK(std::ranges::equal(view.bytes, bytes[i]));
  }
}

TEST_CASE("a GGUF file copied entry by entry and tensor by tensor says the same") {
  const support::TemporaryDirectory directory;
  const fs::path path = directory.path() / "copy.gguf";
  const MappedFile original = MappedFile::open(RUNG_SOURCE_DIR "/models/tiny.gguf");
  const GgufContents contents = read_gguf(original);
  GgufEntries entries;
  entries.copy(contents.metadata);
  std::vector<GgufTensor> tensors;
  for (const StoredTensor& stored : contents.tensors)
    tensors.push_back({stored.name, stored.view.dtype, stored.view.shape});
  GgufWriter writer(path, entries, tensors);
  for (const StoredTensor& stored : contents.tensors) writer.append(stored.view.bytes);
  writer.finish();

  const MappedFile copied = MappedFile::open(path);
  const GgufContents again = read_gguf(copied);
  REQUIRE(again.metadata.values().size() == contents.metadata.values().size());
  for (const auto& [key, value] : contents.metadata.values()) {
    INFO(key);
    const GgufValue& other = again.metadata.values().at(key);
    CHECK(other.type == value.type);
    CHECK(other.is_array == value.is_array);
    CHECK(std::ranges::equal(other.bytes, value.bytes));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i)
    CHECK(std::ranges::equal(again.tensors[i].view.bytes, contents.tensors[i].view.bytes));
  CHECK(Checkpoint::open(path).has_tokenizer());
}

TEST_CASE("the GGUF writer refuses what the format cannot hold, and more or fewer bytes than it was told") {
  const support::TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  const auto refuses = [&path](std::vector<GgufTensor> tensors) {
    CHECK_THROWS_AS(GgufWriter(path, GgufEntries(), std::move(tensors)), Error);
  };
  refuses({{"row", DType::Q4_0, {2, 33}}});
  refuses({{"row", DType::Q6_K, {1, 576}}});
  refuses({{"none", DType::F32, {0, 4}}});
  refuses({{"scalar", DType::F32, {}}});
  refuses({{"deep", DType::F32, {1, 1, 1, 1, 1}}});
  refuses({{std::string(64, 'n'), DType::F32, {1}}});
  refuses({{"twice", DType::F32, {1}}, {"twice", DType::F32, {1}}});

  GgufWriter writer(path, GgufEntries(), {{"a", DType::F32, {2}}, {"b", DType::F32, {1}}});
  const auto bytes = numbered(12, 0);
  CHECK_THROWS_AS(writer.append(bytes), Error);
  writer.append(std::span(bytes).first(8));
  CHECK_THROWS_AS(writer.finish(), Error);
  writer.append(std::span(bytes).first(4));
  CHECK_THROWS_AS(writer.next(), Error);
  CHECK_THROWS_AS(writer.append(bytes), Error);
  CHECK_FALSE(fs::exists(path));
  writer.finish();
  CHECK(fs::exists(path));
}

TEST_CASE("a GGUF writer that is given up leaves nothing") {
  const support::TemporaryDirectory directory;
  { GgufWriter(directory.path() / "out.gguf", GgufEntries(), {{"a", DType::F32, {2}}}); }
  CHECK(fs::is_empty(directory.path()));
}
