#include "core/check/point_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace rung::check {

double percent_of(double deviation, double budget) {
  if (deviation == 0) return 0;
  if (!(budget > 0) || std::isnan(deviation)) return std::numeric_limits<double>::infinity();
  return 100 * deviation / budget;
}

std::string share_text(double percent) {
  return percent < 1e5 ? fmt::format("{:.0f} %", percent) : fmt::format("{:.1e} %", percent);
}

double PointShare::percent() const {
  return fused ? 0 : percent_of(deviation, budget);
}

PointWatch::PointWatch(const ModelReference& reference) : reference_(&reference) {
  for (const ReferencePoint& point : reference.points) {
    index_[point.name] = shares_.size();
    shares_.push_back({.name = point.name, .budget = point.budget, .gain_budget = point.gain_budget});
  }
}

void PointWatch::expect(std::int64_t first, std::int64_t count) {
  first_ = first;
  count_ = count;
}

void PointWatch::see(std::string_view point, const ConstMatrixView& values) {
  const auto found = index_.find(point);
  if (found == index_.end()) {
    if (complaint_.empty())
      complaint_ = fmt::format("the trace shows \"{}\", which is no trace point", point);
    return;
  }
  PointShare& share = shares_[found->second];
  const oracle::Grid& expected = reference_->points[found->second].values;
  // A stage that runs the whole history again (recompute) may show all of it.
  const std::int64_t first = values.rows() == count_ ? first_ : 0;
  if (values.cols() != expected.columns || (values.rows() != count_ && values.rows() != first_ + count_)) {
    if (complaint_.empty()) {
      complaint_ = fmt::format("{}: expected [{}, {}], the trace shows [{}, {}]", point, count_,
                               expected.columns, values.rows(), values.cols());
    }
    share.seen = true;
    share.deviation = std::numeric_limits<double>::infinity();
    return;
  }
  share.seen = true;
  for (std::int64_t t = 0; t < values.rows(); ++t) {
    for (std::int64_t i = 0; i < values.cols(); ++i) {
      const auto number = static_cast<double>(values(t, i));
      const double deviation = std::abs(number - expected.row(first + t)[i]);
      share.gain.add(number, expected.row(first + t)[i]);
      // NaN must not be passed over.
      if (!(deviation <= share.deviation)) {
        share.deviation = std::isnan(deviation) ? std::numeric_limits<double>::infinity() : deviation;
      }
    }
  }
}

void PointWatch::not_materialised(std::string_view point) {
  const auto found = index_.find(point);
  if (found != index_.end()) shares_[found->second].fused = true;
}

const PointShare* PointWatch::first_outside() const {
  const auto found = std::ranges::find_if(shares_, [](const PointShare& share) { return !share.within(); });
  return found == shares_.end() ? nullptr : &*found;
}

std::string PointWatch::complaint() const {
  if (!complaint_.empty()) return complaint_;
  for (const PointShare& share : shares_) {
    if (!share.seen && !share.fused) {
      return share.name + ": the trace neither shows it nor says that it is not materialised";
    }
  }
  return "";
}

}  // namespace rung::check
