#include "chapters/01_tokens/merge_plainly.h"

#include <cstddef>
#include <limits>

namespace rung {

std::vector<std::int32_t> merge_plainly(std::vector<std::int32_t> word, const PlainMerges& merges) {
  for (;;) {
    PlainMerge best = {std::numeric_limits<std::int32_t>::max(), -1};
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto& merge = merges[static_cast<std::size_t>(word[i])][static_cast<std::size_t>(word[i + 1])];
      if (!merge || merge->rank >= best.rank) continue;
      best = *merge;
      at = i;
    }
    if (best.merged < 0) return word;
    word[at] = best.merged;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

}  // namespace rung
