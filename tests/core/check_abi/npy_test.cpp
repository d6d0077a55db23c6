#include "core/check/npy.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

namespace fs = std::filesystem;
using namespace rung;
using namespace std::string_literals;

namespace {

/// A .npy file as NumPy writes it: the header is padded to a multiple of 64 bytes.
std::string npy(std::string header, const std::string& data, char version = 1) {
  const std::size_t fixed = version == 1 ? 10 : 12;
  while ((fixed + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file = "\x93NUMPY"s + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) file += static_cast<char>(header.size() >> (8 * i) & 255);
  return file + header + data;
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// What reading these bytes as a .npy file says, or "" when it reads.
std::string complaint(const fs::path& path, const std::string& bytes) {
  write(path, bytes);
  try {
    read_npy(path);
    return "";
  } catch (const Error& error) {
    CHECK(std::string(error.what()).starts_with(path.string() + ": "));
    return error.what();
  }
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an array comes back from a file as it went in") {
  const support::TemporaryDirectory folder;
  const fs::path path = folder.path() / "a.npy";

  const std::vector<float> values{1, -2.5f, 0, 4, std::numeric_limits<float>::infinity(), 6};
  write_npy(path, {2, 3}, values);
  const NpyArray read = read_npy(path);
  CHECK(read.type == NpyType::float32);
  CHECK(read.shape == Shape{2, 3});
  CHECK(read.as_double() == std::vector<double>(values.begin(), values.end()));
  CHECK(fs::file_size(path) == 128 + 24);  // the data starts at a multiple of 64

  write_npy(path, {}, std::vector<double>{3.25});
  CHECK(read_npy(path).shape.empty());
  CHECK(read_npy(path).as_double() == std::vector<double>{3.25});
  write_npy(path, {0, 5}, std::vector<std::int32_t>{});
  CHECK(read_npy(path).shape == Shape{0, 5});
  write_npy(path, {2}, std::vector<std::int64_t>{-7, 1LL << 53});
  CHECK(read_npy(path).as_double() == std::vector<double>{-7, 0x1p53});
}

TEST_CASE("what NumPy writes is read: both versions, every type") {
  const support::TemporaryDirectory folder;
  const fs::path path = folder.path() / "a.npy";
  // numpy.save of numpy.float16([1.5, -2]) and its like.
  write(path, npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", "\x00\x3e\x00\xc0"s));
  CHECK(read_npy(path).as_double() == std::vector<double>{1.5, -2});
  write(path, npy("{'descr': '<u2', 'fortran_order': False, 'shape': (1, 2), }", "\x00\x3e\x00\xc0"s, 2));
  CHECK(read_npy(path).as_double() == std::vector<double>{0x3e00, 0xc000});
  // One dimension is the same in both orders, and NumPy may say Fortran.
  write(path, npy("{'descr': '<i4', 'fortran_order': True, 'shape': (1,), }", "\x05\x00\x00\x00"s));
  CHECK(read_npy(path).as_double() == std::vector<double>{5});
}

TEST_CASE("a malformed .npy file is one clear line") {
  const support::TemporaryDirectory folder;
  const fs::path path = folder.path() / "bad.npy";
  const std::string right = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  const std::string data(8, '\0');
  REQUIRE(complaint(path, npy(right, data)) == "");

  CHECK(has(complaint(path, ""), "expected a .npy file"));
  CHECK(has(complaint(path, "PK\x03\x04 and so on, as .npz"), "expected a .npy file"));
  CHECK(has(complaint(path, npy(right, data).substr(0, 9)), "expected a .npy file"));
  CHECK(has(complaint(path, npy(right, data).substr(0, 40)), "ends inside its header"));
  CHECK(has(complaint(path, npy(right, data, 3)), "version 1 or 2, found 3"));
  CHECK(has(complaint(path, "\x93NUMPY\x02\x00\xff\xff\xff\xff"s), "at most 65536 bytes"));
  CHECK(has(complaint(path, npy(right, data.substr(1))), "float32 [2, 1] needs 8 bytes of data, found 7"));
  CHECK(has(complaint(path, npy(right, data + "x")), "needs 8 bytes of data, found 9"));

  const auto header = [&](const std::string& text) { return complaint(path, npy(text, data)); };
  CHECK(has(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 1), }"), "'>f4' is not supported"));
  CHECK(has(header("{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }"), "'|O' is not supported"));
  CHECK(
      has(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"), "a structured one"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }"), "ascontiguousarray"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 1), }"), "expected True or False"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': False, }"), "expected 'descr'"));
  CHECK(has(header("{'descr': '<f4', 'shape': (2, 1), 'fortran_order': False, 'more': 1}"),
            "unknown key 'more'"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -1), }"), "non-negative"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1"), "expected ',' or ')'"));
  CHECK(has(header("{'descr': '<f4"), "closing quote"));
  CHECK(has(header("import os"), "expected '{'"));
  CHECK(has(header(""), "expected '{'"));
  CHECK(has(header(right + right), "nothing after"));
  // Sizes that overflow, or that only a liar's file has, allocate nothing.
  CHECK(
      has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "64 bits"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2), }"),
            "more than 2^64"));
  CHECK(has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"), "found 8"));

  CHECK_THROWS_AS(read_npy(folder.path() / "none.npy"), Error);
  CHECK_THROWS_AS(read_npy(folder.path()), Error);
}

TEST_CASE("a failed write leaves nothing, and the old file as it was") {
  const support::TemporaryDirectory folder;
  const fs::path path = folder.path() / "a.npy";
  write_npy(path, {1}, std::vector<float>{1});
  CHECK_THROWS_AS(write_npy(path, {2}, std::vector<float>{1}), Error);  // does not fill its shape
  CHECK_THROWS_AS(write_npy(folder.path() / "no" / "a.npy", {1}, std::vector<float>{1}), Error);
  CHECK_THROWS_AS(write_npy(folder.path(), {1}, std::vector<float>{1}), Error);
  if (fs::exists("/dev/full")) {
    CHECK_THROWS_AS(write_npy("/dev/full", {1}, std::vector<float>{1}), Error);
    CHECK(fs::is_character_file("/dev/full"));  // not replaced by a file
  }
  CHECK(read_npy(path).as_double() == std::vector<double>{1});
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);

  // A link stays a link, and what it leads to is replaced.
  fs::create_symlink("a.npy", folder.path() / "link.npy");
  write_npy(folder.path() / "link.npy", {1}, std::vector<float>{2});
  CHECK(fs::is_symlink(folder.path() / "link.npy"));
  CHECK(read_npy(path).as_double() == std::vector<double>{2});
}
