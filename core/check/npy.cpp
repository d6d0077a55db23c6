#include "core/check/npy.h"

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "core/check/write_file.h"
#include "core/error.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the project reads and writes little-endian files only");

namespace fs = std::filesystem;

struct TypeInfo {
  NpyType type;
  std::string_view name;
  std::string_view descr;  ///< how the header calls it
  std::int64_t size;
};

constexpr std::array<TypeInfo, 6> types{{{NpyType::float16, "float16", "<f2", 2},
                                         {NpyType::float32, "float32", "<f4", 4},
                                         {NpyType::float64, "float64", "<f8", 8},
                                         {NpyType::int32, "int32", "<i4", 4},
                                         {NpyType::int64, "int64", "<i8", 8},
                                         {NpyType::uint16, "uint16", "<u2", 2}}};

const TypeInfo& type_info(NpyType type) {
  return types[static_cast<std::size_t>(type)];
}

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t most_header_bytes =
    1 << 16;  // NumPy's own are 118 bytes; a shape of 32 dimensions stays below 1000
constexpr std::size_t most_dimensions = 32;  // NumPy's own limit

struct Header {
  std::string descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

/// Reads the one kind of Python literal that a .npy header is: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(const fs::path& path, std::string_view text) : path_(path), text_(text) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"') fail("expected one element type, found a structured one");
        header.descr = string();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail(fmt::format("unknown key '{}'", key));
      }
      if (!accept(',') && peek() != '}') fail("expected ',' or '}'");
    }
    if (peek() != '\0') fail("expected nothing after '}'");
    if (header.descr.empty() || !header.fortran_order || !header.shape)
      fail("expected 'descr', 'fortran_order' and 'shape'");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_input,
                "{}: malformed .npy header at character {}: {}; write it with numpy.save", path_.string(),
                at_, what);
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("expected a quoted string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("expected a closing quote");
    const std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"False", false}, {"True", true}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("expected True or False");
  }
  std::int64_t integer() {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    if (peek() < '0' || peek() > '9') fail("expected a non-negative integer");
    std::int64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const std::int64_t digit = text_[at_] - '0';
      if (value > (most - digit) / 10) fail("a dimension does not fit into 64 bits");
      value = 10 * value + digit;
    }
    return value;
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == most_dimensions) fail("more than 32 dimensions");
      shape.push_back(integer());
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
    }
    return shape;
  }

  const fs::path& path_;
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Bytes of an array, or nothing when that overflows.
std::optional<std::uint64_t> bytes_of(const Shape& shape, std::int64_t element) {
  std::uint64_t bytes = static_cast<std::uint64_t>(element);
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : bytes;
}

const TypeInfo& find_type(const fs::path& path, std::string_view descr) {
  for (const TypeInfo& type : types) {
    if (type.descr == descr) return type;
  }
  throw Error(ErrorKind::bad_input,
              "{}: element type '{}' is not supported; expected float16, float32, float64, int32, int64 or "
              "uint16 (bfloat16 bits), "
              "little-endian: save array.astype(numpy.float32)",
              path.string(), descr);
}

template <typename T>
void append(std::vector<double>& values, std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    values.push_back(static_cast<double>(value));
  }
}

}  // namespace

std::string_view name(NpyType type) {
  return type_info(type).name;
}
std::int64_t size(NpyType type) {
  return type_info(type).size;
}

std::vector<double> NpyArray::as_double() const {
  std::vector<double> values;
  values.reserve(bytes.size() / static_cast<std::size_t>(size(type)));
  switch (type) {
    case NpyType::float32:
      append<float>(values, bytes);
      break;
    case NpyType::float64:
      append<double>(values, bytes);
      break;
    case NpyType::int32:
      append<std::int32_t>(values, bytes);
      break;
    case NpyType::int64:
      append<std::int64_t>(values, bytes);
      break;
    case NpyType::uint16:
      append<std::uint16_t>(values, bytes);
      break;
    case NpyType::float16:
      for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + at, sizeof bits);
        values.push_back(static_cast<double>(half_to_float(bits)));
      }
      break;
  }
  return values;
}

NpyArray read_npy(const fs::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_input, "{}: {}", path.string(), what);
  };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail("there is no such file");
  if (!fs::is_regular_file(status)) fail("expected a .npy file, found something that is not a regular file");
  const std::uint64_t file_bytes = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) fail("cannot be read; check that you may read it");

  // The fixed part: magic, version, and the header's length in 2 (version 1) or 4 bytes (version 2).
  std::array<char, 12> start{};
  file.read(start.data(), 10);
  if (file.gcount() != 10 || std::string_view(start.data(), magic.size()) != magic) {
    fail("expected a .npy file, found no \"\\x93NUMPY\" at its start; write it with numpy.save");
  }
  const int version = static_cast<unsigned char>(start[6]);
  if (version != 1 && version != 2)
    fail(fmt::format("expected .npy format version 1 or 2, found {}", version));
  if (version == 2 && !file.read(start.data() + 10, 2)) fail("the file ends inside its header");
  std::uint64_t header_bytes = 0;
  for (int i = version == 1 ? 1 : 3; i >= 0; --i) {
    header_bytes = header_bytes << 8 | static_cast<unsigned char>(start[8 + static_cast<std::size_t>(i)]);
  }
  const std::uint64_t header_start = version == 1 ? 10 : 12;
  if (header_bytes > most_header_bytes)
    fail(fmt::format("expected a header of at most {} bytes, found {}", most_header_bytes, header_bytes));
  if (header_bytes > file_bytes - header_start) fail("the file ends inside its header");
  std::string text(header_bytes, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())))
    fail("the file ends inside its header");

  const Header header = HeaderParser(path, text).parse();
  const TypeInfo& type = find_type(path, header.descr);
  if (*header.fortran_order && header.shape->size() > 1) {
    fail("expected C order (row-major), found Fortran order; save numpy.ascontiguousarray(array)");
  }
  const auto needed = bytes_of(*header.shape, type.size);
  const std::uint64_t found = file_bytes - header_start - header_bytes;
  if (!needed || *needed != found) {
    fail(fmt::format("{} {} needs {} bytes of data, found {}", type.name, to_string(*header.shape),
                     needed ? std::to_string(*needed) : "more than 2^64", found));
  }
  NpyArray array{.type = type.type, .shape = *header.shape, .bytes = std::vector<std::byte>(found)};
  if (!file.read(reinterpret_cast<char*>(array.bytes.data()), static_cast<std::streamsize>(found)) &&
      found != 0) {
    fail("cannot be read to its end");
  }
  return array;
}

std::string npy_header(const Shape& shape, NpyType type) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", type_info(type).descr);
  for (const std::int64_t extent : shape) header += fmt::format("{}, ", extent);
  header += "), }";
  // The data starts at a multiple of 64 bytes, so that it can be memory-mapped; 10 bytes stand before the
  // header.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string start(magic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  start += header;
  return start;
}

void write_npy(const fs::path& path, const Shape& shape, NpyType type, std::span<const std::byte> bytes) {
  if (bytes_of(shape, size(type)) != bytes.size()) {
    throw Error(ErrorKind::usage, "{}: {} {} cannot be made of {} bytes", path.string(), name(type),
                to_string(shape), bytes.size());
  }
  const std::string start = npy_header(shape, type);
  const std::array<std::span<const std::byte>, 2> parts{std::as_bytes(std::span(start)), bytes};
  write_file(path, parts);
}

void write_npy(const fs::path& path, const Shape& shape, std::span<const float> values) {
  write_npy(path, shape, NpyType::float32, std::as_bytes(values));
}
void write_npy(const fs::path& path, const Shape& shape, std::span<const double> values) {
  write_npy(path, shape, NpyType::float64, std::as_bytes(values));
}
void write_npy(const fs::path& path, const Shape& shape, std::span<const std::int32_t> values) {
  write_npy(path, shape, NpyType::int32, std::as_bytes(values));
}
void write_npy(const fs::path& path, const Shape& shape, std::span<const std::int64_t> values) {
  write_npy(path, shape, NpyType::int64, std::as_bytes(values));
}

}  // namespace rung
