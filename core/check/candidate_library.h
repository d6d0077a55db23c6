#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/op.h"

namespace rung::check {

class CandidateProcess;

/// Somebody's shared library that follows core/check/abi.h. It is loaded and run in a process of its own: a
/// crash, a hang or a wild write becomes a line of the report.
class CandidateLibrary {
 public:
  /// Loads the library.
  /// @param timeout_seconds  how long one call (and the loading) may take
  /// @throws Error (bad_input) when it cannot be loaded, crashes or hangs at that, has no rung_abi_version()
  ///         or another version, or exports none of the functions
  explicit CandidateLibrary(const std::filesystem::path& path, double timeout_seconds = 10);
  ~CandidateLibrary();

  /// The ops whose functions it exports.
  const std::vector<std::string>& ops() const { return ops_; }

  /// Its kernel for `op`. The types are those at which it does not return RUNG_NOT_SUPPORTED for all of the
  /// op's problems. The candidate shares the process and may outlive this object.
  /// @throws Error (bad_input) when the function is not exported, or does no type at all
  Candidate candidate(const Op& op) const;

 private:
  std::filesystem::path path_;
  double timeout_seconds_;
  std::string name_;
  std::shared_ptr<CandidateProcess> process_;
  std::vector<std::string> ops_;
};

}  // namespace rung::check
