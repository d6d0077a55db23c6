#include "core/check/npy_rows.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <unistd.h>

#include "core/check/npy.h"
#include "core/error.h"

namespace rung {

namespace fs = std::filesystem;

NpyRows::NpyRows(fs::path path, std::int64_t rows, std::int64_t columns)
    : path_(std::move(path)), written_(path_), missing_(rows * columns) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path_, ignored);
  if (!fs::exists(status) || fs::is_regular_file(status)) {
    // A link stays a link: the file it leads to is replaced.
    if (fs::exists(status)) path_ = fs::canonical(path_, ignored);
    written_ = path_.string() + ".part" + std::to_string(::getpid());
  }
  errno = 0;
  file_.open(written_, std::ios::binary);
  const std::string header = npy_header({rows, columns}, NpyType::float32);
  if (!file_ || !file_.write(header.data(), static_cast<std::streamsize>(header.size()))) fail();
}

NpyRows::~NpyRows() {
  if (finished_ || written_ == path_) return;
  file_.close();
  std::error_code ignored;
  fs::remove(written_, ignored);
}

void NpyRows::append(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  if (!file_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
    fail();
  }
  missing_ -= std::ssize(values);
}

void NpyRows::finish() {
  if (missing_ != 0) {
    throw Error(ErrorKind::usage, "{}: {} numbers more are needed to fill its shape", path_.string(),
                missing_);
  }
  file_.close();
  if (!file_) fail();
  if (written_ != path_ && std::rename(written_.c_str(), path_.c_str()) != 0) fail();
  finished_ = true;
}

void NpyRows::fail() const {
  throw Error(ErrorKind::bad_input,
              "{}: cannot write: {}; check that the folder exists and has room, and that you may write to it",
              path_.string(), std::strerror(errno));
}

}  // namespace rung
