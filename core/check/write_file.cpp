#include "core/check/write_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace rung {
namespace {

namespace fs = std::filesystem;

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  /// A network file system may report a failed write only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

bool write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

[[noreturn]] void fail(const fs::path& path, int reason) {
  throw Error(ErrorKind::bad_input,
              "{}: cannot write: {}; check that the folder exists and has room, and that you may write to it",
              path.string(), std::strerror(reason));
}

}  // namespace

void write_file(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  struct stat found {};
  const bool exists = ::stat(path.c_str(), &found) == 0;
  const bool in_place =
      exists && !S_ISREG(found.st_mode);  // renaming over /dev/null would replace the device
  // A link stays a link: the file it leads to is replaced.
  std::error_code ignored;
  const fs::path target = exists ? fs::canonical(path, ignored) : path;
  const fs::path temporary =
      in_place ? path : fs::path(target.string() + ".part" + std::to_string(::getpid()));

  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | (in_place ? 0 : O_CREAT | O_TRUNC), 0666));
  if (!file.is_open()) fail(path, errno);
  bool written = true;
  for (const auto part : parts) written = written && write_all(file.number(), part);
  if (written) written = file.close();
  if (written && !in_place) written = ::rename(temporary.c_str(), target.c_str()) == 0;
  if (!written) {
    const int reason = errno;
    if (!in_place) ::unlink(temporary.c_str());
    fail(path, reason);
  }
}

void write_file(const fs::path& path, std::string_view text) {
  const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(text))};
  write_file(path, parts);
}

}  // namespace rung
