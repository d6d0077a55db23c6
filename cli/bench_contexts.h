#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rung {

/// What `./rung bench --contexts` measures.
struct ContextBench {
  std::string model;
  std::string stage;  ///< empty: stage_or_default()
  std::string kv;
  std::vector<std::int32_t> contexts;  ///< positions that are remembered when decoding starts
  std::int32_t tokens = 16;            ///< decoded one by one in each run
  int threads = 0;                     ///< 0: all processors
  int runs = 5;
  bool json = false;
};

/// Decodes after each number of remembered positions, and prints tokens per second, the bytes that a token takes and
/// where they come from, the share of the read bandwidth that is measured before and after each run, and the peak
/// memory.
///
/// The positions are reserved and committed, but not computed: their keys and values are what the store begins with.
/// Decoding reads and multiplies them like any others, so that its speed is the same, and a model of 13 billion
/// weights need not be prefilled for a quarter of an hour.
/// @throws Error (usage) for a context that does not fit the model, or a stage that remembers nothing
void bench_contexts(const ContextBench& bench);

}  // namespace rung
