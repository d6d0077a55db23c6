#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cuda/simt/executor.h"

// The words of the executor's reports.

namespace rung::simt::detail {

/// "(1, 0, 0)".
std::string block_text(uint3 index);
/// "thread (1, 0, 0)".
std::string thread_text(uint3 index);
/// "cuda/softmax/02_online.cuh:17", from the repository's root where it is in there.
std::string place_text(Where where);
/// The same of a "path:line".
std::string place_text(std::string_view place);
/// "__syncthreads() at cuda/softmax/02_online.cuh:17".
std::string barrier_text(Barrier kind, Where where);
/// "__syncwarp with mask 0x0000ffff at cuda/softmax/02_online.cuh:17", of a thread that is in a collective.
std::string collective_text(const Thread& thread);
/// Which lanes of a warp are missing: "lanes 0-3 have returned, and the block has no lanes 8-31".
std::string missing_text(unsigned returned, unsigned not_in_block);
/// What threads wait for, those with the same reason together: "threads 0-15 wait at …; threads 16-31 wait in …".
std::string waiting_text(std::span<const Thread> threads);

}  // namespace rung::simt::detail
