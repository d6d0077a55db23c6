#pragma once

#include <string_view>

namespace rung::check {

/// Hears which case a candidate is about to run, so that somebody outside can tell where a candidate crashed or never
/// came back.
class Progress {
 public:
  virtual ~Progress() = default;
  /// The candidate's code runs from here on.
  /// @param name         of the case, as the report has it
  /// @param description  of the case, in words
  virtual void begins(std::string_view name, std::string_view description) = 0;
  /// And here it has come back; the harness works on its own until the next case begins.
  virtual void ended() = 0;
};

/// While it lives, the candidate runs a case.
class RunningCase {
 public:
  /// @param progress  may be null: nobody listens
  RunningCase(Progress* progress, std::string_view name, std::string_view description) : progress_(progress) {
    if (progress_ != nullptr) progress_->begins(name, description);
  }
  RunningCase(const RunningCase&) = delete;
  RunningCase& operator=(const RunningCase&) = delete;
  ~RunningCase() {
    if (progress_ != nullptr) progress_->ended();
  }

 private:
  Progress* progress_;
};

}  // namespace rung::check
