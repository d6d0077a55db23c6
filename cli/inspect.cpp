// ./rung inspect: what a checkpoint is made of.

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "chapters/08_quantization/block_matrix.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"

namespace rung {

namespace {

using nlohmann::ordered_json;

std::int64_t bytes_of(const Tensor& tensor) {
  return static_cast<std::int64_t>(tensor.view.bytes.size());
}

struct Total {
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
};

/// Parameters and bytes of each dtype, by its name.
std::map<std::string_view, Total> totals(const Checkpoint& checkpoint) {
  std::map<std::string_view, Total> result;
  for (const Tensor& tensor : checkpoint.tensors()) {
    Total& total = result[name(tensor.view.dtype)];
    total.parameters += elements(tensor.view.shape);
    total.bytes += bytes_of(tensor);
  }
  return result;
}

Total sum(const std::map<std::string_view, Total>& by_dtype) {
  Total all;
  for (const auto& [dtype, total] : by_dtype) {
    all.parameters += total.parameters;
    all.bytes += total.bytes;
  }
  return all;
}

/// Those that one token goes through: everything but the experts that its routers do not choose.
std::int64_t active_parameters(const Checkpoint& checkpoint) {
  const std::optional<MixtureConfig>& mixture = checkpoint.config().mixture;
  std::int64_t others = 0, of_experts = 0;
  for (const Tensor& tensor : checkpoint.tensors()) {
    const bool expert = tensor.name.find(".experts.") != std::string::npos;
    (expert ? of_experts : others) += elements(tensor.view.shape);
  }
  return mixture ? others + of_experts / mixture->experts * mixture->experts_used : others;
}

/// "1,234,567"
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<std::int64_t>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  }
  return digits;
}

// --- JSON ---

struct RopeToJson {
  ordered_json operator()(const std::monostate&) const { return nullptr; }
  ordered_json operator()(const LinearRopeScaling& s) const {
    return {{"type", "linear"}, {"factor", s.factor}};
  }
  ordered_json operator()(const Llama3RopeScaling& s) const {
    return {{"type", "llama3"},
            {"factor", s.factor},
            {"low_freq_factor", s.low_freq_factor},
            {"high_freq_factor", s.high_freq_factor},
            {"original_context", s.original_context}};
  }
  ordered_json operator()(const RopeFrequencyFactors& s) const {
    return {{"type", "factors"}, {"factors", s.factors}};
  }
};

ordered_json config_json(const ModelConfig& c) {
  ordered_json json = {{"family", c.family},
                       {"layers", c.layers},
                       {"hidden", c.hidden},
                       {"heads", c.heads},
                       {"kv_heads", c.kv_heads},
                       {"head_dim", c.head_dim},
                       {"feed_forward", c.feed_forward},
                       {"vocab", c.vocab},
                       {"context", c.context},
                       {"norm_eps", c.norm_eps},
                       {"rope_theta", c.rope.theta},
                       {"rope_scaling", std::visit(RopeToJson(), c.rope.scaling)},
                       {"tied_embeddings", c.tied_embeddings},
                       {"sliding_window", nullptr}};
  if (c.sliding_window) json["sliding_window"] = *c.sliding_window;
  if (c.mixture)
    json["mixture"] = {{"experts", c.mixture->experts}, {"experts_used", c.mixture->experts_used}};
  return json;
}

/// Nothing, the tokenizer's figures, or what is wrong with it: a model can be looked at without one.
ordered_json tokenizer_json(const Checkpoint& checkpoint) {
  try {
    const TokenizerData& t = checkpoint.tokenizer();
    return {{"kind", t.kind == TokenizerKind::byte_level ? "byte_level" : "sentencepiece"},
            {"pieces", t.pieces.size()},
            {"merges", t.merges.size()},
            {"add_bos", t.add_bos},
            {"end_of_turn", t.end_of_turn},
            {"chat_template", !t.chat_template.empty()}};
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

void print_json(const Checkpoint& checkpoint) {
  ordered_json json = {{"path", checkpoint.path().string()},
                       {"format", checkpoint.format()},
                       {"config", config_json(checkpoint.config())},
                       {"tokenizer", tokenizer_json(checkpoint)}};
  const auto by_dtype = totals(checkpoint);
  const Total all = sum(by_dtype);
  json["parameters"] = all.parameters;
  if (checkpoint.config().mixture) json["active_parameters"] = active_parameters(checkpoint);
  json["bytes"] = all.bytes;
  for (const auto& [dtype, total] : by_dtype) {
    json["dtypes"][std::string(dtype)] = {{"parameters", total.parameters}, {"bytes", total.bytes}};
  }
  for (const Tensor& tensor : checkpoint.tensors()) {
    json["tensors"].push_back({{"name", tensor.name},
                               {"stored_name", tensor.stored_name},
                               {"file", tensor.file.filename().string()},
                               {"dtype", name(tensor.view.dtype)},
                               {"shape", tensor.view.shape},
                               {"bytes", bytes_of(tensor)}});
  }
  // A path or a name may hold any bytes; those that are not UTF-8 are shown as U+FFFD.
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

// --- Text ---

struct RopeToText {
  std::string operator()(const std::monostate&) const { return ""; }
  std::string operator()(const LinearRopeScaling& s) const {
    return fmt::format(", positions divided by {} (linear)", s.factor);
  }
  std::string operator()(const Llama3RopeScaling& s) const {
    return fmt::format(", llama3 scaling: by {}, blended between {} and {} turns in {} positions", s.factor,
                       s.low_freq_factor, s.high_freq_factor, s.original_context);
  }
  std::string operator()(const RopeFrequencyFactors& s) const {
    return fmt::format(", {} frequency factors from {} to {}", s.factors.size(), s.factors.front(),
                       s.factors.back());
  }
};

void print_config(const Checkpoint& checkpoint) {
  const ModelConfig& c = checkpoint.config();
  const auto line = [](std::string_view what, const std::string& value) {
    fmt::print("{:<16}{}\n", what, value);
  };
  line("model", checkpoint.path().string());
  line("format", std::string(checkpoint.format()));
  line("family", c.family);
  line("layers", grouped(c.layers));
  line("hidden", grouped(c.hidden));
  line("heads",
       fmt::format("{} for queries, {} for keys and values, {} wide", c.heads, c.kv_heads, c.head_dim));
  line("feed-forward", grouped(c.feed_forward));
  line("vocabulary",
       fmt::format("{}, embeddings {}", grouped(c.vocab), c.tied_embeddings ? "tied" : "not tied"));
  line("context", grouped(c.context));
  if (c.mixture) {
    line("experts",
         fmt::format("{} in every layer, {} for each token: {} of {} parameters are active",
                     c.mixture->experts, c.mixture->experts_used, grouped(active_parameters(checkpoint)),
                     grouped(sum(totals(checkpoint)).parameters)));
  }
  if (c.sliding_window) line("window", grouped(*c.sliding_window));
  line("rope", fmt::format("theta {}{}", c.rope.theta, std::visit(RopeToText(), c.rope.scaling)));
  line("norm epsilon", fmt::format("{:g}", c.norm_eps));
  const ordered_json tokenizer = tokenizer_json(checkpoint);
  if (tokenizer.contains("error")) {
    line("tokenizer", tokenizer["error"].get<std::string>());
  } else {
    line("tokenizer",
         fmt::format("{}, {} pieces, {} merges, chat template: {}", tokenizer["kind"].get<std::string>(),
                     grouped(tokenizer["pieces"]), grouped(tokenizer["merges"]),
                     tokenizer["chat_template"].get<bool>() ? "yes" : "no"));
  }
}

/// Tensors that differ in nothing but their layer and expert, on one line.
struct Group {
  std::string name, stored_name;  // with * for layer and expert
  const Tensor* first = nullptr;
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

/// "layers.12.attention.q.weight" -> "layers.*.attention.q.weight", and so for the numbers of experts; names without a
/// number stay.
std::string without_numbers(const std::string& name) {
  std::string wild;
  for (std::size_t i = 0; i < name.size();) {
    const bool begins = i > 0 && (name[i - 1] == '.' || name[i - 1] == '[');
    const std::size_t end = std::min(name.find_first_not_of("0123456789", i), name.size());
    wild += begins && end > i ? "*" : name.substr(i, 1);
    i = begins && end > i ? end : i + 1;
  }
  return wild;
}

std::vector<Group> group_layers(const Checkpoint& checkpoint) {
  std::vector<Group> groups;
  for (const Tensor& tensor : checkpoint.tensors()) {
    const std::string wild = without_numbers(tensor.name);
    Group* group = nullptr;
    for (Group& other : groups) {
      if (other.name == wild && other.first->view.dtype == tensor.view.dtype) group = &other;
    }
    if (group == nullptr) {
      groups.push_back({.name = wild, .stored_name = without_numbers(tensor.stored_name), .first = &tensor});
      group = &groups.back();
    }
    ++group->count;
    group->bytes += bytes_of(tensor);
  }
  return groups;
}

void print_tensors(const Checkpoint& checkpoint) {
  const std::vector<Group> groups = group_layers(checkpoint);
  std::size_t stored_width = 0;
  for (const Group& group : groups) stored_width = std::max(stored_width, group.stored_name.size());
  const auto line = [stored_width](std::string_view tensor, std::string_view stored, std::string_view count,
                                   std::string_view type, std::string_view shape, std::string_view bytes) {
    fmt::print("{:<34}  {:<{}}  {:>5}  {:<5}  {:<15} {:>15}\n", tensor, stored, stored_width, count, type,
               shape, bytes);
  };
  line("tensor", "stored as", "count", "type", "shape", "bytes");
  for (const Group& group : groups) {
    line(group.name, group.stored_name, grouped(group.count), name(group.first->view.dtype),
         to_string(group.first->view.shape), grouped(group.bytes));
  }
}

/// What the stages of chapter 08 hold the matrices as; and how much of that stays in the file.
void print_stages(const Checkpoint& checkpoint) {
  fmt::print("{:<8} {:>16} {:>16} {:>15}\n", "stage", "matrices as", "bytes", "in the file");
  for (const auto& [stage, weights] :
       {std::pair{"int8", IntegerWeights::int8}, {"int4", IntegerWeights::int4}}) {
    std::map<std::string_view, Total> held, in_file;
    for (const Tensor& tensor : checkpoint.tensors()) {
      if (tensor.view.rows() < 2) continue;
      const DType type = type_in_stage(weights, tensor.view.dtype);
      const std::int64_t bytes = tensor.view.rows() * block_row_bytes(type, tensor.view.row_elements());
      held[name(type)].bytes += bytes;
      if (type == tensor.view.dtype) in_file[name(type)].bytes += bytes;
    }
    for (const auto& [type, total] : held) {
      fmt::print("{:<8} {:>16} {:>16} {:>15}\n", stage, type, grouped(total.bytes),
                 grouped(in_file[type].bytes));
    }
  }
}

void print_text(const Checkpoint& checkpoint) {
  print_config(checkpoint);
  fmt::print("\n");
  print_tensors(checkpoint);
  fmt::print("\n");
  print_stages(checkpoint);
  fmt::print("\n{:<8} {:>16} {:>16} {:>15}\n", "type", "parameters", "bytes", "bits per weight");
  const auto by_dtype = totals(checkpoint);
  const auto line = [](std::string_view what, const Total& total) {
    fmt::print("{:<8} {:>16} {:>16} {:>15.2f}\n", what, grouped(total.parameters), grouped(total.bytes),
               8 * static_cast<double>(total.bytes) / static_cast<double>(total.parameters));
  };
  for (const auto& [dtype, total] : by_dtype) line(dtype, total);
  line("all", sum(by_dtype));
}

}  // namespace

void add_inspect(Command& app) {
  struct Options {
    std::string model;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  Command* command =
      app.add_subcommand("inspect", "Show a model's config, tensors, types, parameters and bytes");
  command->add_option("model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->required()
      ->type_name("MODEL");
  command->add_flag("--json", options->json, "Everything, every tensor by itself, for machines");
  command->callback([options] {
    const Checkpoint checkpoint = Checkpoint::open(resolve_model(options->model));
    options->json ? print_json(checkpoint) : print_text(checkpoint);
  });
}

}  // namespace rung
