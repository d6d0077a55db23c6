#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/note.h"

namespace rung {
namespace {

constexpr double terminal_interval = 0.2;  // seconds
constexpr double log_interval = 10;
constexpr std::size_t widest = 79;  // a longer line would wrap, and only its last part be written over

}  // namespace

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) != 0), next_(terminal_ ? 0 : log_interval) {}

Progress::~Progress() {
  if (shown_ > 0) std::fputs(fmt::format("\r{:<{}}\r", "", shown_).c_str(), stderr);
}

void Progress::show(std::string_view line) {
  const double now = since_.seconds();
  if (now < next_) return;
  next_ = now + (terminal_ ? terminal_interval : log_interval);
  if (!terminal_) {
    print_note(line);
    return;
  }
  const std::string_view text = line.substr(0, widest);
  std::fputs(fmt::format("\r{:<{}}", text, shown_).c_str(), stderr);
  shown_ = std::max(shown_, text.size());
}

std::string duration_text(double seconds) {
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 99.5 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace rung
