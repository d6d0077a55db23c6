#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <sys/types.h>

#include "core/check/candidate_protocol.h"

namespace rung::check {

/// A process of its own in which somebody's shared library runs, and the memory that it shares with the
/// harness. It is a fresh program, not a fork of this one: threads, OpenMP and CUDA do not survive a fork.
class CandidateProcess {
 public:
  /// Does not start anything yet.
  /// @param library  the .so file
  CandidateProcess(std::filesystem::path library, double timeout_seconds);
  ~CandidateProcess();
  CandidateProcess(const CandidateProcess&) = delete;
  CandidateProcess& operator=(const CandidateProcess&) = delete;

  /// Starts the process, once: what it found in the library.
  /// @throws Error (bad_input) when it does not start, or the library cannot be loaded
  const Hello& hello();

  /// At least `bytes` of shared memory, aligned to a page. What an earlier call returned is void afterwards.
  std::span<std::byte> arena(std::size_t bytes);

  /// Runs one call; a process that died before is started anew.
  /// @param where  the case, for messages
  /// @return what the library's function returned
  /// @throws Error (bad_input) "crashed with signal 11 (Segmentation fault) in case …", "did not return
  ///         within 10 s in case …": after a time-out, or three crashes, every later call throws without
  ///         running anything
  std::int32_t call(Request request, const std::string& where);

 private:
  void start();
  void stop();
  /// Waits for one message from the host.
  template <typename Message>
  Message receive(const std::string& where);
  [[noreturn]] void died(const std::string& where);

  std::filesystem::path library_;
  double timeout_seconds_;
  Hello hello_;
  pid_t child_ = -1;
  int socket_ = -1;
  int arena_file_ = -1;
  std::byte* arena_ = nullptr;
  std::size_t arena_bytes_ = 0;
  int crashes_ = 0;
  std::string given_up_;  ///< why nothing is run any more
};

}  // namespace rung::check
