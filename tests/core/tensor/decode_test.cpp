#include "core/tensor/decode.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor/half.h"
#include "tests/catch.h"

using namespace rung;

namespace {

/// One record of tests/golden/decode.bin, which make_decode_goldens.py describes.
struct Golden {
  std::string name;
  std::vector<std::byte> input;
  std::vector<float> expected;
};

std::vector<Golden> read_goldens() {
  std::ifstream in(RUNG_SOURCE_DIR "/tests/golden/decode.bin", std::ios::binary);
  REQUIRE(in.good());
  std::vector<Golden> goldens;
  std::array<char, 16> name{};
  while (in.read(name.data(), name.size())) {
    std::array<std::uint32_t, 2> sizes{};
    in.read(reinterpret_cast<char*>(sizes.data()), sizeof(sizes));
    Golden golden{.name = std::string(name.data(), strnlen(name.data(), name.size())),
                  .input = std::vector<std::byte>(sizes[0]),
                  .expected = std::vector<float>(sizes[1])};
    in.read(reinterpret_cast<char*>(golden.input.data()), static_cast<std::streamsize>(sizes[0]));
    in.read(reinterpret_cast<char*>(golden.expected.data()),
            static_cast<std::streamsize>(sizes[1] * sizeof(float)));
    REQUIRE(in.good());
    goldens.push_back(std::move(golden));
  }
  return goldens;
}

/// Bit for bit, but one NaN is as good as another.
bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

int differences(const std::vector<float>& a, const std::vector<float>& b) {
  int count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += same(a[i], b[i]) ? 0 : 1;
  return count;
}

constexpr std::array<DType, 11> all_types = {DType::F32,  DType::F16,  DType::BF16, DType::Q8_0,
                                             DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1,
                                             DType::Q4_K, DType::Q5_K, DType::Q6_K};

}  // namespace

TEST_CASE("every type decodes to the numbers of the gguf package, bit for bit") {
  const auto goldens = read_goldens();
  for (const DType type : all_types) {
    bool found = false;
    for (const Golden& golden : goldens) {
      if (golden.name != name(type)) continue;
      found = true;
      std::vector<float> out(golden.expected.size());
      decode(type, golden.input, out);
      INFO(golden.name);
      CHECK(out.size() >= 64);
      CHECK(differences(out, golden.expected) == 0);
    }
    INFO(name(type));
    CHECK(found);
  }
}

TEST_CASE("fp32 rounds to fp16 as NumPy does") {
  int cases = 0;
  for (const Golden& golden : read_goldens()) {
    if (golden.name != "to_half") continue;
    for (std::size_t i = 0; i < golden.expected.size(); ++i) {
      float value = 0;
      std::memcpy(&value, golden.input.data() + 4 * i, 4);
      INFO(value);
      CHECK(float_to_half(value) == static_cast<std::uint16_t>(golden.expected[i]));
      ++cases;
    }
  }
  CHECK(cases > 500);
}

TEST_CASE("decode refuses sizes that do not fit each other") {
  std::vector<std::byte> stored(34);
  std::vector<float> out(32);
  decode(DType::Q8_0, stored, out);
  stored.resize(33);
  CHECK_THROWS_AS(decode(DType::Q8_0, stored, out), Error);
  stored.resize(68);
  CHECK_THROWS_AS(decode(DType::Q8_0, stored, out), Error);
  stored.resize(34);
  out.resize(31);
  CHECK_THROWS_AS(decode(DType::Q8_0, stored, out), Error);
}

TEST_CASE("zero bytes decode to no numbers") {
  for (const DType type : all_types) decode(type, {}, {});
}
