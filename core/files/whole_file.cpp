#include "core/files/whole_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace rung {

namespace fs = std::filesystem;

WholeFile::WholeFile(fs::path path) : path_(std::move(path)), target_(path_), written_(path_) {
  struct stat found {};
  const bool exists = ::stat(path_.c_str(), &found) == 0;
  const bool in_place =
      exists && !S_ISREG(found.st_mode);  // renaming over /dev/null would replace the device
  if (!in_place) {
    std::error_code ignored;
    if (exists) target_ = fs::canonical(path_, ignored);  // a link stays a link
    written_ = target_.string() + ".part" + std::to_string(::getpid());
  }
  file_ = ::open(written_.c_str(), O_WRONLY | O_CLOEXEC | (in_place ? 0 : O_CREAT | O_TRUNC), 0666);
  if (file_ < 0) fail(errno);
}

WholeFile::~WholeFile() {
  if (file_ < 0) return;
  ::close(file_);
  if (written_ != target_) ::unlink(written_.c_str());
}

void WholeFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void WholeFile::finish(bool durable) {
  if (durable) synchronise();
  // A network file system may report a failed write only when the file is closed.
  const bool closed = ::close(std::exchange(file_, -1)) == 0;
  const bool renamed = closed && (written_ == target_ || std::rename(written_.c_str(), target_.c_str()) == 0);
  if (renamed) return;
  const int reason = errno;
  if (written_ != target_) ::unlink(written_.c_str());
  fail(reason);
}

void WholeFile::synchronise() const {
  // A pipe or a terminal has no disk to wait for.
  if (::fsync(file_) != 0 && errno != EINVAL && errno != EROFS) fail(errno);
}

void WholeFile::fail(int reason) const {
  throw Error(ErrorKind::bad_input,
              "{}: cannot write: {}; check that the folder exists and has room, and that you may write to it",
              path_.string(), std::strerror(reason));
}

}  // namespace rung
