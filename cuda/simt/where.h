#pragma once

namespace rung::simt {

/// A place in a kernel's source.
struct Where {
  const char* file = "";  ///< as the compiler was given it
  int line = 0;           ///< from 1; 0 where it is not known

  /// Where this is called; as a default argument, where the function is called whose default argument it is. That needs
  /// neither debug information nor a tool, and costs two registers. (std::source_location is the same, from clang 16 on.)
  static constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// The same line of the same file. Two calls on one line count as one place.
bool same_place(const Where& a, const Where& b);

}  // namespace rung::simt
