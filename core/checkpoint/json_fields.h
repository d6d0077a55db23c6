#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace rung {

/// An object in a JSON file, read field by field with every type checked; an error names the file and the
/// field.
class JsonFields {
 public:
  /// @throws Error (bad_input) when `value` is no object
  JsonFields(std::filesystem::path file, std::string where, const nlohmann::json& value);

  bool has(const char* name) const;  ///< it is there, and it is not null
  /// A string that must be there.
  std::string text(const char* name) const;
  /// A string, or `otherwise` where the field is missing.
  std::string text_or(const char* name, const std::string& otherwise) const;
  /// A boolean, or `otherwise` where the field is missing.
  bool flag_or(const char* name, bool otherwise) const;
  std::int32_t id(const char* name) const;  ///< a number from 0 to 2³¹ - 1
  /// The fields of an object that must be there.
  JsonFields object(const char* name) const;
  std::vector<JsonFields> objects(const char* name) const;  ///< of an array; none when the field is missing
  const nlohmann::json& value(const char* name) const;      ///< anything
  const nlohmann::json& value() const { return *value_; }   ///< the object itself

  /// Where in the file this object is: "model.vocab"; empty at the top.
  const std::string& where() const { return where_; }
  /// Throws that `found` at `name` is not what was expected.
  [[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& found) const;

 private:
  const nlohmann::json& need(const char* name, const char* expected) const;

  std::filesystem::path file_;
  std::string where_;  // "model.vocab"; empty at the top
  const nlohmann::json* value_;
};

}  // namespace rung
