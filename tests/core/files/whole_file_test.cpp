#include "core/files/whole_file.h"

#include <array>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
namespace fs = std::filesystem;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::ptrdiff_t files_in(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a file has its name when it is finished, and all its bytes") {
  const support::TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.bin";
  for (const bool durable : {false, true}) {
    WholeFile file(path);
    file.append(bytes_of("one "));
    CHECK(fs::exists(path) == durable);  // the one before it
    file.append(bytes_of("two"));
    file.finish(durable);
    CHECK(content(path) == "one two");
    CHECK(files_in(directory.path()) == 1);
  }
}

TEST_CASE("a file that is not finished leaves nothing, and the old one as it was") {
  const support::TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.bin";
  { WholeFile(path).append(bytes_of("half")); }
  CHECK(files_in(directory.path()) == 0);
  support::write_file(path, std::string_view("old"));
  { WholeFile(path).append(bytes_of("half")); }
  CHECK(content(path) == "old");
  CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("what cannot be written is refused with its name, and leaves nothing") {
  const support::TemporaryDirectory directory;
  CHECK_THROWS_AS(WholeFile(directory.path() / "no" / "out.bin"), Error);
  CHECK_THROWS_AS(WholeFile(directory.path()), Error);
  WholeFile full("/dev/full");
  CHECK_THROWS_AS(full.append(bytes_of("much")), Error);
  CHECK(files_in(directory.path()) == 0);
}

TEST_CASE("a link stays a link, and what it leads to is replaced") {
  const support::TemporaryDirectory directory;
  const fs::path target = directory.path() / "target";
  const fs::path link = directory.path() / "link";
  support::write_file(target, std::string_view("old"));
  fs::create_symlink(target, link);
  WholeFile file(link);
  file.append(bytes_of("new"));
  file.finish();
  CHECK(fs::is_symlink(link));
  CHECK(content(target) == "new");
}
