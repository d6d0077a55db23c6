#include "core/checkpoint/safetensors.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

using nlohmann::json;

// A 70-billion-parameter model's header has some tens of kilobytes.
constexpr std::uint64_t largest_header = std::uint64_t{1} << 24;
constexpr std::size_t most_extents = 8;
constexpr std::size_t most_fields = 8;  // of an entry, which has three

std::optional<DType> dtype_of(const std::string& name) {
  if (name == "F32") return DType::F32;
  if (name == "F16") return DType::F16;
  if (name == "BF16") return DType::BF16;
  return std::nullopt;
}

/// Takes the header's entries one by one as they are parsed, so that the whole header is never in memory as
/// JSON.
class HeaderReader {
 public:
  HeaderReader(const MappedFile& file, std::span<const std::byte> header, std::span<const std::byte> data)
      : file_(file), data_(data) {
    const auto* text = reinterpret_cast<const char*>(header.data());
    const auto see = [this](int depth, json::parse_event_t event, json& parsed) {
      return on(depth, event, parsed);
    };
    try {
      const json rest = json::parse(text, text + header.size(), see);
      if (!rest.is_object()) fail("header", "expected a JSON object");
    } catch (const json::exception& error) {
      fail_as_json(file.path(), error);
    }
  }

  std::vector<StoredTensor> take() { return std::move(tensors_); }

 private:
  template <typename... Args>
  [[noreturn]] void fail(std::string_view what, fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorKind::bad_input, "{}: {}: {}", file_.path().string(), what,
                fmt::format(format, std::forward<Args>(args)...));
  }

  /// The library walks an array or object once for each array or object that ends in it, so that what an
  /// entry can hold is bounded here: else a crafted header would take hours.
  /// @return whether the parser keeps the value
  bool on(int depth, json::parse_event_t event, json& parsed) {
    const bool starts =
        event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
    // Depth 0 is the header, 1 an entry, 2 its shape and offsets; nothing is nested deeper.
    if (depth > 3 || (depth == 3 && starts)) fail("header", "is nested too deeply");
    if (depth == 0 && event == json::parse_event_t::array_start) fail("header", "expected a JSON object");
    if (depth == 1) {
      if (event == json::parse_event_t::key) {
        name_ = parsed.get<std::string>();
        fields_ = 0;
      } else if (event == json::parse_event_t::object_end) {
        if (name_ != "__metadata__") add(parsed);  // remarks of the writer
        return false;
      } else if (event == json::parse_event_t::value || event == json::parse_event_t::array_start) {
        fail("tensor " + printable(name_), "expected an object");
      }
    }
    if (depth == 2 && name_ == "__metadata__") {
      if (starts) fail("__metadata__", "expected texts only");
      return event != json::parse_event_t::key;  // a text without its key is not kept either
    }
    if (depth == 2 && event == json::parse_event_t::key && ++fields_ > most_fields) {
      fail("tensor " + printable(name_), "has more than {} fields; expected dtype, shape and data_offsets",
           most_fields);
    }
    if (depth == 2 && event == json::parse_event_t::array_start) numbers_ = 0;
    if (depth == 3 && event == json::parse_event_t::value && ++numbers_ > most_extents) {
      fail("tensor " + printable(name_), "has more than {} extents", most_extents);
    }
    return true;
  }

  std::vector<std::int64_t> integers(const json& entry, const char* key) const {
    const auto found = entry.find(key);
    const std::string what = "tensor " + printable(name_);
    if (found == entry.end() || !found->is_array()) fail(what, "{} is missing or not a list", key);
    std::vector<std::int64_t> result;
    for (const json& number : *found) {
      // A number above 2^63 - 1 would wrap.
      const bool fits =
          number.is_number_integer() &&
          (!number.is_number_unsigned() || number.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
      if (!fits || number.get<std::int64_t>() < 0) fail(what, "{} holds something other than sizes", key);
      result.push_back(number.get<std::int64_t>());
    }
    return result;
  }

  void add(const json& entry) {
    const std::string what = "tensor " + printable(name_);
    const auto dtype_name = entry.find("dtype");
    if (dtype_name == entry.end() || !dtype_name->is_string()) fail(what, "dtype is missing");
    const auto dtype = dtype_of(dtype_name->get<std::string>());
    StoredTensor tensor{.name = name_, .file = &file_, .view = {}};
    Shape& shape = tensor.view.shape;
    shape = integers(entry, "shape");
    if (!dtype) {
      tensor.unreadable = fmt::format("type {} is not supported in safetensors; F32, F16 and BF16 are",
                                      printable(dtype_name->get<std::string>()));
    } else if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
      tensor.unreadable = fmt::format("shape {} has an extent below 1", to_string(shape));
    } else {
      tensor.view.dtype = *dtype;
    }
    const auto offsets = integers(entry, "data_offsets");
    if (offsets.size() != 2 || offsets[1] < offsets[0] ||
        offsets[1] > static_cast<std::int64_t>(data_.size())) {
      fail(what, "data_offsets reach past the {} bytes of data; the file is cut off or damaged",
           data_.size());
    }
    const std::int64_t bytes = offsets[1] - offsets[0];
    if (tensor.unreadable.empty() && bytes != stored_bytes(tensor.where(), *dtype, shape)) {
      fail(what, "{} {} takes {} bytes, but data_offsets span {}", name(*dtype), to_string(shape),
           stored_bytes(tensor.where(), *dtype, shape), bytes);
    }
    tensor.view.bytes = data_.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(bytes));
    tensors_.push_back(std::move(tensor));
  }

  const MappedFile& file_;
  std::span<const std::byte> data_;
  std::string name_;         // of the entry being parsed
  std::size_t fields_ = 0;   // of that entry so far
  std::size_t numbers_ = 0;  // in the list being parsed
  std::vector<StoredTensor> tensors_;
};

}  // namespace

std::vector<StoredTensor> read_safetensors(const MappedFile& file) {
  ByteReader reader(file.path(), file.bytes());
  const auto length = reader.number<std::uint64_t>("the header's length");
  if (length > largest_header) {
    throw Error(ErrorKind::bad_input,
                "{}: a header of {} bytes is impossible; it is no safetensors file, or damaged",
                file.path().string(), length);
  }
  const auto header = reader.take(length, "the header");
  const auto data = reader.take(reader.remaining(), "the data");
  auto tensors = HeaderReader(file, header, data).take();
  refuse_overlaps(tensors);
  return tensors;
}

}  // namespace rung
