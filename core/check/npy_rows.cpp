#include "core/check/npy_rows.h"

#include <string>
#include <utility>

#include "core/check/npy.h"
#include "core/error.h"

namespace rung {

NpyRows::NpyRows(std::filesystem::path path, std::int64_t rows, std::int64_t columns)
    : file_(std::move(path)), missing_(rows * columns) {
  const std::string header = npy_header({rows, columns}, NpyType::float32);
  file_.append(std::as_bytes(std::span(header)));
}

void NpyRows::append(std::span<const float> values) {
  file_.append(std::as_bytes(values));
  missing_ -= std::ssize(values);
}

void NpyRows::finish() {
  if (missing_ != 0) {
    throw Error(ErrorKind::usage, "{}: {} numbers more are needed to fill its shape", file_.path().string(),
                missing_);
  }
  file_.finish();
}

}  // namespace rung
