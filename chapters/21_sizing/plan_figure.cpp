// The bounds of plans as an SVG drawing.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "chapters/21_sizing/plan_report.h"
#include "chapters/21_sizing/step_work.h"

namespace rung {
namespace {

// Middle tones that can be seen on white and on black, as in docs/draw.py.
constexpr std::array<std::string_view, 6> colours = {"#3b82d6", "#d9730d", "#2f9e5b",
                                                     "#d64545", "#9065d6", "#8a8f98"};
constexpr double panel_width = 320, panel_height = 240, left = 64, top = 46, between = 96;
constexpr double bottom = 56, legend_line = 18;

struct Curve {
  std::vector<double> x, y;
};

/// One panel: a curve for each model over a logarithmic axis.
struct Panel {
  std::string title, x_label;
  std::vector<Curve> curves;
};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<')
      safe += "&lt;";
    else if (letter == '&')
      safe += "&amp;";
    else if (static_cast<unsigned char>(letter) >= ' ')
      safe += letter;
  }
  return safe;
}

/// From the power of ten below all numbers to the one above.
struct Axis {
  double low = 1, high = 10;

  void cover(double number) {
    if (!(number > 0) || !std::isfinite(number)) return;
    if (empty) low = high = number;
    empty = false;
    low = std::min(low, number);
    high = std::max(high, number);
  }
  void round() {
    low = std::pow(10, std::floor(std::log10(low)));
    high = std::pow(10, std::ceil(std::log10(high)));
    if (high <= low) high = 10 * low;
  }
  /// 0 at the low end, 1 at the high one.
  double share(double number) const { return std::log(number / low) / std::log(high / low); }

  bool empty = true;
};

std::string text_at(double x, double y, std::string_view anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

std::string line_at(double x1, double y1, double x2, double y2) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x1, y1, x2, y2);
}

std::string drawn(const Panel& panel, double x0) {
  Axis x, y;
  for (const Curve& curve : panel.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      x.cover(curve.x[i]);
      y.cover(curve.y[i]);
    }
  }
  if (x.high <= x.low) x.high = 2 * x.low;
  y.round();
  const auto at_x = [&](double number) { return x0 + panel_width * x.share(number); };
  const auto at_y = [&](double number) { return top + panel_height * (1 - y.share(number)); };
  std::string out = text_at(x0 + panel_width / 2, top - 14, "middle", panel.title) +
                    text_at(x0 + panel_width / 2, top + panel_height + 38, "middle", panel.x_label);
  out += "<g stroke=\"#8a8f98\" stroke-opacity=\"0.35\">\n";
  std::string labels;
  for (double tick = y.low; tick <= y.high * 1.001; tick *= 10) {
    out += line_at(x0, at_y(tick), x0 + panel_width, at_y(tick));
    labels += text_at(x0 - 6, at_y(tick) + 4, "end", fmt::format("{:g}", tick));
  }
  for (double tick = std::exp2(std::ceil(std::log2(x.low))); tick <= x.high * 1.001; tick *= 4) {
    out += line_at(at_x(tick), top, at_x(tick), top + panel_height);
    labels += text_at(at_x(tick), top + panel_height + 18, "middle", fmt::format("{:g}", tick));
  }
  out += "</g>\n" + labels;
  for (std::size_t m = 0; m < panel.curves.size(); ++m) {
    std::string points;
    const Curve& curve = panel.curves[m];
    for (std::size_t i = 0; i < curve.x.size(); ++i)
      points += fmt::format("{:.1f},{:.1f} ", at_x(curve.x[i]), at_y(curve.y[i]));
    out += fmt::format("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"{}\" points=\"{}\"/>\n",
                       colours[m % colours.size()], points);
  }
  return out;
}

double tokens_per_second(const ModelPlan& plan, const PlanRequest& request, std::int64_t batch,
                         std::int64_t past) {
  const measure::Work work =
      step_work(plan.model.model.config, plan.model.bytes, request.work.kv, batch, past);
  const Device all = together(request.device, request.gpus);
  return static_cast<double>(batch) / measure::least_seconds(work, all.limits);
}

}  // namespace

std::string plan_svg(std::span<const ModelPlan> plans, const PlanRequest& request) {
  const std::string where =
      request.gpus > 1 ? fmt::format("{} × {}", request.gpus, request.device.name) : request.device.name;
  Panel over_context{
      .title = "one sequence on " + where, .x_label = "positions before the token", .curves = {}};
  Panel over_batch{.title = fmt::format("all sequences, {} positions each", request.work.context),
                   .x_label = "sequences at once",
                   .curves = {}};
  for (const ModelPlan& plan : plans) {
    Curve context, batch;
    for (std::int64_t past = 64; past <= 131072; past *= 2) {
      context.x.push_back(static_cast<double>(past));
      context.y.push_back(tokens_per_second(plan, request, 1, past));
    }
    for (std::int64_t rows = 1; rows <= 4096; rows *= 2) {
      batch.x.push_back(static_cast<double>(rows));
      batch.y.push_back(tokens_per_second(plan, request, rows, request.work.context - 1));
    }
    over_context.curves.push_back(std::move(context));
    over_batch.curves.push_back(std::move(batch));
  }
  const double width = left + 2 * panel_width + between + 24;
  const double height = top + panel_height + bottom + legend_line * static_cast<double>(plans.size());
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"currentColor\">\n"
      "<style>svg{{color:#1f2328}}@media(prefers-color-scheme:dark){{svg{{color:#e6edf3}}}}</style>\n"
      "<title>tokens per second, at most</title>\n",
      width, height);
  out += text_at(left - 6, 18, "start", "tokens/s, at most");
  out += drawn(over_context, left) + drawn(over_batch, left + panel_width + between);
  for (std::size_t m = 0; m < plans.size(); ++m) {
    const double y = top + panel_height + bottom + legend_line * static_cast<double>(m);
    out += fmt::format("<g stroke-width=\"2\" stroke=\"{}\">{}</g>", colours[m % colours.size()],
                       line_at(left, y - 4, left + 24, y - 4));
    out += text_at(left + 32, y, "start",
                   fmt::format("{}, {}", plans[m].model.model.name, plans[m].model.weights));
  }
  return out + "</svg>\n";
}

}  // namespace rung
