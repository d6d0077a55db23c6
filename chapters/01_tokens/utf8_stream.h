#pragma once

#include <string>
#include <string_view>

namespace rung {

/// Lets bytes through as whole characters. A token may end in the middle of a character; printing its bytes
/// at once would print garbage.
class Utf8Stream {
 public:
  /// Takes the next bytes. @return the characters that are complete now; invalid bytes come as U+FFFD
  std::string push(std::string_view bytes);
  /// The text is over. @return U+FFFD for each byte of a character that never became whole
  std::string finish();

 private:
  std::string waiting_;
};

}  // namespace rung
