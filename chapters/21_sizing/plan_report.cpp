#include "chapters/21_sizing/plan_report.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

constexpr double giga = 1e9, milli = 1e-3;

std::string gigabytes(double bytes) {
  return fmt::format("{:.{}f}", bytes / giga, bytes < giga ? 3 : bytes < 100 * giga ? 2 : 1);
}

std::string significant(double number) {
  return fmt::format("{:.{}f}", number, number < 10 ? 2 : number < 100 ? 1 : 0);
}

std::string limit_of(const Bound& bound) {
  return bound.by_memory ? "memory" : "arithmetic";
}

std::string offer_text(const ModelPlan& plan) {
  if (!plan.cheapest) return "nothing";
  return fmt::format("{} × {}", plan.cheapest->count, plan.cheapest->device.name);
}

/// A row of the table: its head, and what stands in a model's column.
struct Row {
  std::string head;
  std::function<std::string(const ModelPlan&)> cell;
};

std::vector<Row> size_rows(const PlanRequest& request) {
  const Workload& work = request.work;
  const bool many = request.gpus > 1;
  return {
      {"parameters", [](const ModelPlan& p) { return with_commas(p.parameters.total()); }},
      {"  of which a token uses", [](const ModelPlan& p) { return with_commas(p.active.total()); }},
      {"weights, GB", [](const ModelPlan& p) { return gigabytes(p.need.weights); }},
      {fmt::format("keys and values of {} × {}, GB", work.batch, work.context),
       [](const ModelPlan& p) { return gigabytes(p.need.keys_and_values); }},
      {"activations, GB", [](const ModelPlan& p) { return gigabytes(p.need.activations); }},
      {"together, GB", [](const ModelPlan& p) { return gigabytes(p.need.total()); }},
      {fmt::format("  of {}", many ? "their memory" : "its memory"),
       [](const ModelPlan& p) {
         return fmt::format("{:.0f} %{}", 100 * p.share_of_memory, p.share_of_memory <= 1 ? "" : ": no room");
       }},
      {"cheapest listed that hold it", offer_text},
      {"  $ an hour",
       [](const ModelPlan& p) {
         return p.cheapest ? fmt::format("{:.2f}", p.cheapest->dollars_an_hour) : "-";
       }},
  };
}

std::vector<Row> speed_rows(const PlanRequest& request) {
  return {
      {fmt::format("prompt of {}: TFLOP", request.work.context),
       [](const ModelPlan& p) { return significant(p.prompt.work.flops * 1e-12); }},
      {"  GB moved", [](const ModelPlan& p) { return gigabytes(p.prompt.work.bytes); }},
      {"  ms to the first token, at least",
       [](const ModelPlan& p) { return significant(p.prompt.seconds / milli); }},
      {"  bound by", [](const ModelPlan& p) { return limit_of(p.prompt); }},
      {"decode step: GFLOP", [](const ModelPlan& p) { return significant(p.step.work.flops / giga); }},
      {"  GB moved", [](const ModelPlan& p) { return gigabytes(p.step.work.bytes); }},
      {"  ms, at least", [](const ModelPlan& p) { return significant(p.step.seconds / milli); }},
      {"  bound by", [](const ModelPlan& p) { return limit_of(p.step); }},
      {"tokens/s, at most", [](const ModelPlan& p) { return significant(p.tokens_per_second); }},
      {"bound by arithmetic from batch",
       [](const ModelPlan& p) { return p.turning ? with_commas(*p.turning) : "never"; }},
  };
}

/// Columns; a width counts characters, not bytes.
void add_cell(std::string& line, const std::string& text, std::size_t width) {
  const auto characters = static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  line += std::string(characters < width ? width - characters : 0, ' ') + text;
}

Json parts_json(const ModelParts& parts) {
  return {{"embedding", parts.embedding}, {"attention", parts.attention},
          {"router", parts.router},       {"feed_forward", parts.feed_forward},
          {"norms", parts.norms},         {"output", parts.output},
          {"total", parts.total()}};
}

Json bound_json(const Bound& bound) {
  return {{"flops", bound.work.flops},
          {"bytes", bound.work.bytes},
          {"least_seconds", bound.seconds},
          {"bound_by", bound.by_memory ? "memory" : "arithmetic"}};
}

Json plan_as_json(const ModelPlan& p) {
  Json one = {{"id", p.model.model.id},
              {"name", p.model.model.name},
              {"rumour", p.model.model.rumour},
              {"parameters", parts_json(p.parameters)},
              {"active_parameters", p.active.total()},
              {"weights", p.model.weights},
              {"weight_bytes", parts_json(p.model.bytes)},
              {"kv_bytes", p.need.keys_and_values},
              {"activation_bytes", p.need.activations},
              {"needed_bytes", p.need.total()},
              {"share_of_memory", p.share_of_memory},
              {"fits", p.share_of_memory <= 1},
              {"devices_needed", nullptr},
              {"cheapest", nullptr},
              {"prompt", bound_json(p.prompt)},
              {"decode_step", bound_json(p.step)},
              {"tokens_per_second", p.tokens_per_second},
              {"compute_bound_from_batch", nullptr}};
  if (p.devices) one["devices_needed"] = *p.devices;
  if (p.cheapest)
    one["cheapest"] = {{"device", p.cheapest->device.name},
                       {"count", p.cheapest->count},
                       {"dollars_an_hour", p.cheapest->dollars_an_hour}};
  if (p.turning) one["compute_bound_from_batch"] = *p.turning;
  if (p.model.model.mmlu)
    one["mmlu"] = {{"value", p.model.model.mmlu->value}, {"source", p.model.model.mmlu->source}};
  return one;
}

}  // namespace

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<std::int64_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  return digits;
}

std::string plan_text(std::span<const ModelPlan> plans, const PlanRequest& request) {
  const Device& own = request.device;
  std::string text = fmt::format("{}{}: {:.1f} GB, {:.5g} GB/s, {:.5g} TFLOP/s{}; keys and values in {}\n\n",
                                 request.gpus > 1 ? fmt::format("{} × ", request.gpus) : "", own.name,
                                 own.memory_bytes / giga, own.limits.bytes_per_second / giga,
                                 own.limits.flops_per_second * 1e-12, request.gpus > 1 ? " each" : "",
                                 name(request.work.kv));
  std::vector<Row> rows = {
      {"", [](const ModelPlan& p) { return p.model.model.name; }},
      {"weights stored", [](const ModelPlan& p) { return p.model.weights; }},
  };
  if (std::ranges::any_of(plans, [](const ModelPlan& p) { return p.model.model.rumour; }))
    rows.push_back(
        {"dimensions", [](const ModelPlan& p) { return p.model.model.rumour ? "a rumour" : "published"; }});
  for (Row& row : size_rows(request)) rows.push_back(std::move(row));
  for (Row& row : speed_rows(request)) rows.push_back(std::move(row));
  bool first = true;
  for (const Device& device : request.listed) {
    rows.push_back(
        {(first ? "how many hold it: " : "                  ") + device.name, [&device](const ModelPlan& p) {
           const auto count = devices_for(p.need.total(), device.memory_bytes);
           return count ? with_commas(*count) : "over 1,024";
         }});
    first = false;
  }
  std::size_t head = 0;
  for (const Row& row : rows) head = std::max(head, row.head.size());
  for (const Row& row : rows) {
    std::string line = fmt::format("{:<{}}", row.head, head);
    for (const ModelPlan& plan : plans) add_cell(line, row.cell(plan), 20);
    text += line + "\n";
  }
  return text;
}

std::string plan_json(std::span<const ModelPlan> plans, const PlanRequest& request) {
  Json json = {{"device",
                {{"name", request.device.name},
                 {"count", request.gpus},
                 {"memory_bytes", request.device.memory_bytes},
                 {"bytes_per_second", request.device.limits.bytes_per_second},
                 {"flops_per_second", request.device.limits.flops_per_second}}},
               {"kv", name(request.work.kv)},
               {"context", request.work.context},
               {"batch", request.work.batch},
               {"models", Json::array()}};
  for (const ModelPlan& plan : plans) json["models"].push_back(plan_as_json(plan));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rung
