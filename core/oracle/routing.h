#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung::oracle {

/// Where one row goes: experts by falling score, of equal scores the lower first, and the weight of each.
struct Route {
  std::vector<std::int32_t> chosen;
  std::vector<double> weights;
  bool operator==(const Route&) const = default;
};

/// A softmax over all scores, of which the `used` highest are kept (Jiang et al., arXiv:2401.04088, section 2.1).
/// @param scores       [E], finite
/// @param renormalize  the weights are divided by their sum
/// @throws Error (usage) unless 1 <= used <= E
Route softmax_top_k(std::span<const double> scores, std::int64_t used, bool renormalize);

/// How DeepSeek-V3 chooses.
struct GroupRule {
  std::int64_t groups = 1;       ///< that the experts are divided into, each of neighbours
  std::int64_t groups_used = 1;  ///< of these the best; experts of others are not chosen
  bool renormalize = true;       ///< the weights are divided by their sum
  double scale = 1;              ///< they are multiplied by at last
};

/// Sigmoids s of the scores. A group counts as much as its two highest s + bias together; in the best groups the
/// `used` experts of the highest s + bias are chosen, and their weights are s, without the bias (DeepSeek-AI,
/// arXiv:2412.19437, section 2.1.2). Weights that are all 0 stay 0.
/// @param scores, bias  [E]
/// @throws Error (usage) unless 1 <= used, the groups are equal, and those that are used have `used` experts
Route sigmoid_top_k(std::span<const double> scores, std::span<const double> bias, std::int64_t used,
                    const GroupRule& rule);

}  // namespace rung::oracle
