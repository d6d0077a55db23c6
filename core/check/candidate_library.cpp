#include "core/check/candidate_library.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/check/abi.h"
#include "core/check/candidate_arguments.h"
#include "core/check/candidate_process.h"
#include "core/check/check.h"
#include "core/check/runner.h"
#include "core/error.h"

namespace rung::check {
namespace {

/// Runs one call and takes what it wrote.
/// @return what the library's function returned; results are taken only for RUNG_OK
std::int32_t run(CandidateProcess& process, const Call& call) {
  const ArenaCall laid = lay_out(call);
  const auto arena = process.arena(laid.bytes);
  fill(laid, arena);
  const std::int32_t result = process.call(laid.request, fmt::format("in case {}", call.case_name));
  if (result == RUNG_OK) take_results(laid, arena);
  return result;
}

/// Whether the library does any of the op's problems at `type`: asked with the first draw of each until it
/// does one, in a process that is thrown away. A kernel that crashes at it is one that has to be judged.
bool supports(CandidateProcess& process, const Op& op, NumberType type) {
  bool supported = true;
  const Candidate asked{.name = "", .op = op.name, .types = {type}, .run = [&](const Call& call) {
                          supported = run(process, call) != RUNG_NOT_SUPPORTED;
                        }};
  for (std::size_t problem = 0; problem < op.problems.size(); ++problem) {
    supported = true;
    run_guarded(asked, draw_cases(op, type, problem, default_seed).front(), false);
    if (supported) return true;
  }
  return false;
}

}  // namespace

CandidateLibrary::CandidateLibrary(const std::filesystem::path& path, double timeout_seconds)
    : path_(path), timeout_seconds_(timeout_seconds), name_(path.filename().string()) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(ErrorKind::usage,
                "{}: there is no such file; expected a shared library that follows core/check/abi.h",
                path.string());
  }
  process_ = std::make_shared<CandidateProcess>(path, timeout_seconds);
  const Hello hello = process_->hello();
  if (hello.has_version == 0) {
    throw Error(ErrorKind::bad_input,
                "{}: it exports no rung_abi_version(); expected a library that follows core/check/abi.h (in "
                "C++, inside extern \"C\")",
                path.string());
  }
  if (hello.version != RUNG_ABI_VERSION) {
    throw Error(ErrorKind::bad_input,
                "{}: it was made for version {} of core/check/abi.h, this is version {}; compile it again "
                "with the present one",
                path.string(), hello.version, RUNG_ABI_VERSION);
  }
  for (std::size_t i = 0; i < abi_ops.size(); ++i) {
    if ((hello.ops >> i & 1u) != 0) ops_.emplace_back(abi_ops[i]);
  }
  if (ops_.empty()) {
    throw Error(ErrorKind::bad_input, "{}: it exports none of rung_{}; see core/check/abi.h", path.string(),
                fmt::join(abi_ops, ", rung_"));
  }
}

CandidateLibrary::~CandidateLibrary() = default;

Candidate CandidateLibrary::candidate(const Op& op) const {
  if (std::find(ops_.begin(), ops_.end(), op.name) == ops_.end()) {
    throw Error(ErrorKind::bad_input,
                "{0}: it exports no rung_{1}; it has {2}: add int32_t rung_{1}(const rung_{1}_args*), see "
                "core/check/abi.h",
                name_, op.name, fmt::join(ops_, ", "));
  }
  Candidate candidate{
      .name = name_, .op = op.name, .types = {}, .run = [process = process_](const Call& call) {
        const std::int32_t result = run(*process, call);
        if (result == RUNG_NOT_SUPPORTED) {
          throw Error(ErrorKind::unsupported, "it returned RUNG_NOT_SUPPORTED for case {}", call.case_name);
        }
        if (result != RUNG_OK) throw Error(ErrorKind::bad_input, "it returned error {}", result);
      }};
  CandidateProcess asked(path_, timeout_seconds_);
  for (const NumberType type : number_types) {
    if (supports(asked, op, type)) candidate.types.push_back(type);
  }
  if (candidate.types.empty()) {
    throw Error(
        ErrorKind::bad_input,
        "{}: rung_{} returned RUNG_NOT_SUPPORTED for every problem, {} of them, of f32, f16 and bf16: "
        "there is nothing to judge",
        name_, op.name, op.problems.size());
  }
  return candidate;
}

}  // namespace rung::check
