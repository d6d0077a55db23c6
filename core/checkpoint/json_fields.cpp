#include "core/checkpoint/json_fields.h"

#include <limits>
#include <utility>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

JsonFields::JsonFields(std::filesystem::path file, std::string where, const nlohmann::json& value)
    : file_(std::move(file)), where_(std::move(where)), value_(&value) {
  if (!value.is_object())
    throw Error(ErrorKind::bad_input, "{}: expected {} to be an object, found {}", file_.string(),
                where_.empty() ? "the file" : where_, value.type_name());
}

bool JsonFields::has(const char* name) const {
  const auto found = value_->find(name);
  return found != value_->end() && !found->is_null();
}

const nlohmann::json& JsonFields::value(const char* name) const {
  return need(name, "a value");
}

const nlohmann::json& JsonFields::need(const char* name, const char* expected) const {
  const auto found = value_->find(name);
  if (found == value_->end()) refuse(name, expected, "nothing");
  return *found;
}

std::string JsonFields::text(const char* name) const {
  const nlohmann::json& found = need(name, "a text");
  if (!found.is_string()) refuse(name, "a text", found.type_name());
  return found.get<std::string>();
}

std::string JsonFields::text_or(const char* name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

bool JsonFields::flag_or(const char* name, bool otherwise) const {
  if (!has(name)) return otherwise;
  const nlohmann::json& found = value(name);
  if (!found.is_boolean()) refuse(name, "true or false", found.type_name());
  return found.get<bool>();
}

std::int32_t JsonFields::id(const char* name) const {
  const nlohmann::json& found = need(name, "an id");
  if (!found.is_number_unsigned() || found.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max())
    refuse(name, "an id from 0 on", found.is_number() ? found.dump() : found.type_name());
  return found.get<std::int32_t>();
}

JsonFields JsonFields::object(const char* name) const {
  return {file_, where_.empty() ? name : where_ + "." + name, need(name, "an object")};
}

std::vector<JsonFields> JsonFields::objects(const char* name) const {
  std::vector<JsonFields> found;
  if (!has(name)) return found;
  const nlohmann::json& array = value(name);
  if (!array.is_array()) refuse(name, "an array", array.type_name());
  for (std::size_t i = 0; i < array.size(); ++i)
    found.emplace_back(file_, (where_.empty() ? name : where_ + "." + name) + "[" + std::to_string(i) + "]",
                       array[i]);
  return found;
}

void JsonFields::refuse(const char* name, const std::string& expected, const std::string& found) const {
  throw Error(ErrorKind::bad_input, "{}: expected {}{}{} to be {}, found {}", file_.string(), where_,
              where_.empty() ? "" : ".", name, expected, printable(found, 100));
}

}  // namespace rung
