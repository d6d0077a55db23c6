#include "chapters/05_sampling/demo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/05_sampling/continuation.h"
#include "chapters/05_sampling/draw.h"
#include "chapters/05_sampling/repetition.h"
#include "chapters/05_sampling/sampler.h"
#include "chapters/05_sampling/truncation.h"
#include "core/check/chi_square.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* prompt = "Behind the door there was a";

constexpr const char* repetitive = "The cat sat on the mat. The dog sat on the mat. The bird sat on the";

/// Long enough for a few hundred margins; nobody's but this project's, so that no model knows it by heart.
constexpr const char* passage =
    "The ferry left an hour late that morning, and nobody on the quay seemed to mind. A woman in a yellow "
    "coat "
    "was feeding the gulls with what remained of her breakfast, two boys argued about the rules of a game "
    "they "
    "had just invented, and the man who sold the tickets had fallen asleep behind his window. I had come to "
    "the "
    "island to write a report about its only bridge, which had been closed since the winter. The engineers "
    "believed that the stones had moved; the people who lived there believed that the engineers had moved "
    "them. "
    "Both had photographs to prove it. When the ship finally turned toward the open water, I went below, "
    "ordered "
    "a cup of tea, and read the letters again. The first was from the mayor, who wanted the bridge repaired "
    "before the summer. The second was from his brother, who owned the ferry, and who wanted nothing of the "
    "kind. "
    "The third had no name on it. It said that the river was lower than it had ever been, that the old road "
    "could "
    "be seen again at noon, and that I should bring a pair of good boots. I have kept that letter. It was "
    "the "
    "only one of the three that turned out to be true, and it took me eleven days to understand why.";

/// A token as a reader sees it: `" box"`, a line's end as `\n`.
std::string shown(const Tokenizer& tokenizer, std::int32_t token) {
  return in_quotes(tokenizer.piece_bytes(token, Tokenizer::Control::shown));
}

/// A text, its tokens, and the logits of what may come next.
struct Next {
  std::string text;
  Tokenizer tokenizer;
  std::vector<std::int32_t> tokens;
  std::vector<float> logits;  // [V]
};

Next next_token(const DemoInput& input, const std::string& text) {
  Next next{.text = text, .tokenizer = Tokenizer(input.checkpoint.tokenizer()), .tokens = {}, .logits = {}};
  next.tokens = next.tokenizer.encode_prompt(text);
  const auto stage =
      input.stage("kv_cache", {.max_positions = static_cast<std::int32_t>(next.tokens.size())});
  Batch batch;
  batch.add(0, 0, next.tokens, Batch::Logits::last);
  const Matrix logits = stage->forward(batch);  // [1, V]
  next.logits.assign(logits.data(), logits.data() + logits.size());
  return next;
}

/// The probability of each of `tokens` by `from`; 0 for those that are gone.
std::vector<double> probabilities_of(const Distribution& from, std::span<const std::int32_t> tokens) {
  std::vector<double> result;
  for (const std::int32_t token : tokens) {
    const auto at = std::ranges::find(from, token, &Choice::token);
    result.push_back(at == from.end() ? 0 : at->probability);
  }
  return result;
}

/// A count to two digits: where thousands of tokens are almost equally likely, machines differ by one or two.
std::int64_t about(std::size_t count) {
  double unit = 1;
  while (static_cast<double>(count) / unit >= 100) unit *= 10;
  return static_cast<std::int64_t>(std::round(static_cast<double>(count) / unit) * unit);
}

/// How many of the likeliest have that much together, about.
std::int64_t tokens_for(const Distribution& from, double mass) {
  return about(top_p(from, mass).size());
}

std::vector<std::int32_t> likeliest(const Distribution& from, std::size_t count) {
  std::vector<std::int32_t> tokens;
  for (const Choice& choice : std::span(from).first(std::min(count, from.size())))
    tokens.push_back(choice.token);
  return tokens;
}

Json show_temperature(const DemoInput& input, DemoText& text) {
  const Next next = next_token(input, input.text_or(prompt));
  constexpr std::array temperatures{0.5, 1.0, 2.0};
  std::vector<Distribution> by_temperature;
  by_temperature.reserve(temperatures.size());
  for (const double temperature : temperatures)
    by_temperature.push_back(distribution(next.logits, temperature));
  const std::vector<std::int32_t> tokens = likeliest(by_temperature.front(), 10);

  text.print("\"{}\": {} logits, and the probability of the next token\n", next.text, next.logits.size());
  text.print("{:<14}{:>7}{:>10}{:>8}{:>8}\n", "token", "logit", "T = 0.5", "T = 1", "T = 2");
  Json data{{"prompt", next.text}, {"temperatures", temperatures}, {"tokens", Json::array()}};
  std::vector<std::vector<double>> columns;
  columns.reserve(by_temperature.size());
  for (const Distribution& one : by_temperature) columns.push_back(probabilities_of(one, tokens));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string token = shown(next.tokenizer, tokens[i]);
    const float logit = next.logits[static_cast<std::size_t>(tokens[i])];
    text.print("{:<14}{:>7.1f}{:>10.3f}{:>8.3f}{:>8.3f}\n", token, logit, columns[0][i], columns[1][i],
               columns[2][i]);
    data["tokens"].push_back({{"token", token},
                              {"logit", logit},
                              {"probabilities", {columns[0][i], columns[1][i], columns[2][i]}}});
  }
  text.print("{:<21}{:>10}{:>8}{:>8}\n", "tokens for 90 %", tokens_for(by_temperature[0], 0.9),
             tokens_for(by_temperature[1], 0.9), tokens_for(by_temperature[2], 0.9));
  return data;
}

Json show_truncation(const DemoInput& input, DemoText& text) {
  const Next next = next_token(input, input.text_or(prompt));
  Json data = Json::array();
  for (const double temperature : {1.0, 2.0}) {
    const Distribution all = distribution(next.logits, temperature);
    const std::vector<std::int32_t> tokens = likeliest(all, 40);
    const std::vector<std::pair<std::string, Distribution>> rules{{"no rule", all},
                                                                  {"top-k, k = 10", top_k(all, 10)},
                                                                  {"top-p, p = 0.5", top_p(all, 0.5)},
                                                                  {"min-p, 0.1", min_p(all, 0.1)}};
    text.print("{:<18}{:>6}{:>15}{:>12} is\n", fmt::format("temperature {}", temperature), "kept",
               "had together", shown(next.tokenizer, tokens[0]));
    for (const auto& [name, kept] : rules) {
      double mass = 0;
      for (const Choice& choice : std::span(all).first(kept.size())) mass += choice.probability;
      text.print("  {:<16}{:>6}{:>15.2f}{:>15.3f}\n", name,
                 kept.size() == all.size() ? static_cast<std::int64_t>(all.size()) : about(kept.size()), mass,
                 kept.front().probability);
      data.push_back({{"temperature", temperature},
                      {"rule", name},
                      {"kept", kept.size()},
                      {"probabilities", probabilities_of(kept, tokens)}});
    }
  }
  return data;
}

Json show_penalty(const DemoInput& input, DemoText& text) {
  const Next next = next_token(input, input.text_or(repetitive));
  const Distribution before = distribution(next.logits, 1);
  std::vector<float> logits = next.logits;
  penalise_repetition(logits, next.tokens, 1.3);
  const Distribution after = distribution(logits, 1);
  std::vector<std::int32_t> tokens = likeliest(before, 5);
  for (const std::int32_t token : likeliest(after, 5)) {
    if (std::ranges::find(tokens, token) == tokens.end()) tokens.push_back(token);
  }
  text.print("\"{}\", penalty 1.3\n", next.text);
  text.print("{:<14}{:>9}{:>9}{:>9}{:>15}{:>8}\n", "token", "occurred", "logit", "after", "probability",
             "after");
  Json data = Json::array();
  const std::vector<double> was = probabilities_of(before, tokens);
  const std::vector<double> is = probabilities_of(after, tokens);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto at = static_cast<std::size_t>(tokens[i]);
    const auto times = std::ranges::count(next.tokens, tokens[i]);
    text.print("{:<14}{:>9}{:>9.1f}{:>9.1f}{:>15.3f}{:>8.3f}\n", shown(next.tokenizer, tokens[i]), times,
               next.logits[at], logits[at], was[i], is[i]);
    data.push_back({{"token", shown(next.tokenizer, tokens[i])},
                    {"times", times},
                    {"logit", {next.logits[at], logits[at]}},
                    {"probability", {was[i], is[i]}}});
  }
  return data;
}

Json show_seeds(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::vector<std::int32_t> tokens = tokenizer.encode_prompt(input.text_or(prompt));
  constexpr std::int32_t count = 10;
  const auto stage = input.stage(
      "kv_cache", {.max_positions = static_cast<std::int32_t>(tokens.size()) + count, .max_sequences = 1});
  Json data = Json::array();
  const auto show = [&](const std::string& name, const SamplerOptions& options) {
    Sampler sampler(options);
    std::vector<std::int32_t> history = tokens;
    const Continuation result = continue_sequence(
        *stage, sampler, {.sequence = 0, .new_tokens = tokens, .count = count, .stop_tokens = {}}, history,
        [](std::int32_t) {});
    stage->sequences().drop(0);
    std::string words;
    for (const char byte : tokenizer.decode(result.tokens)) words += byte == '\n' ? ' ' : byte;
    text.print("{:<8} …{}\n", name, words);
    data.push_back({{"name", name}, {"text", words}});
  };
  text.print("{:<8} \"{}\"\n", "", input.text_or(prompt));
  for (const std::uint64_t seed : {1, 2, 3, 1})
    show(fmt::format("seed {}", seed), {.temperature = 1, .top_p = 0.9, .seed = seed});
  show("greedy", {.temperature = 0});
  return data;
}

/// The likeliest tokens of a real distribution, their probabilities in thousandths, so that every machine draws alike.
Distribution rounded(const Distribution& from, std::size_t count) {
  Distribution result = top_k(from, static_cast<std::int64_t>(count));
  double sum = 0;
  for (Choice& choice : result) sum += choice.probability = std::round(choice.probability * 1000) / 1000;
  result.front().probability += 1 - sum;
  return result;
}

std::vector<double> probabilities(const Distribution& from) {
  std::vector<double> list;
  for (const Choice& choice : from) list.push_back(choice.probability);
  return list;
}

/// How often each of `by`'s tokens comes in so many calls of `one`.
template <typename DrawOne>
std::vector<std::int64_t> count_draws(const Distribution& by, std::int64_t draws, const DrawOne& one) {
  std::vector<std::int64_t> counts(by.size());
  for (std::int64_t i = 0; i < draws; ++i)
    ++counts[static_cast<std::size_t>(std::ranges::find(by, one(), &Choice::token) - by.begin())];
  return counts;
}

Json show_chi_square(const DemoInput& input, DemoText& text) {
  const Next next = next_token(input, input.text_or(prompt));
  const Distribution from = rounded(distribution(next.logits, 1), 8);
  const int degrees = static_cast<int>(from.size()) - 1;
  constexpr std::int64_t draws = 20000;
  Random random(1);
  const auto counts = count_draws(from, draws, [&] { return draw(from, random); });
  text.print("{:<14}{:>12}{:>10}{:>8}{:>30}\n", "token", "probability", "expected", "drawn",
             "(drawn - expected)²/expected");
  Json data{{"draws", draws}, {"degrees", degrees}, {"tokens", Json::array()}};
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double expected = static_cast<double>(draws) * from[i].probability;
    const double apart = static_cast<double>(counts[i]) - expected;
    text.print("{:<14}{:>12.3f}{:>10.0f}{:>8}{:>30.2f}\n", shown(next.tokenizer, from[i].token),
               from[i].probability, expected, counts[i], apart * apart / expected);
    data["tokens"].push_back(
        {{"token", shown(next.tokenizer, from[i].token)}, {"expected", expected}, {"drawn", counts[i]}});
  }
  const double statistic = check::chi_square(counts, probabilities(from));
  text.print(
      "chi-square {:.2f} of {} degrees of freedom; a right sampler reaches this or more with probability "
      "{:.2f}\n",
      statistic, degrees, check::chi_square_tail(statistic, degrees));
  data["statistic"] = statistic;
  return data;
}

/// `draw` with mistakes.
std::int32_t uniform_for_each_token(const Distribution& from, Random& random) {
  double cumulative = 0;
  for (const Choice& choice : from) {
    cumulative += choice.probability;
    if (random.uniform() < cumulative) return choice.token;
  }
  return from.back().token;
}

/// The distribution at another temperature: probabilities to the power 1 / temperature, normalised.
Distribution tempered(Distribution from, double temperature) {
  double sum = 0;
  for (Choice& choice : from) sum += choice.probability = std::pow(choice.probability, 1 / temperature);
  for (Choice& choice : from) choice.probability /= sum;
  return from;
}

Json show_wrong_samplers(const DemoInput& input, DemoText& text) {
  const Next next = next_token(input, input.text_or(prompt));
  const Distribution from = rounded(distribution(next.logits, 1), 8);
  const std::vector<double> right = probabilities(from);
  const int degrees = static_cast<int>(from.size()) - 1;
  const Distribution cold = tempered(from, 0.9);
  const std::vector<std::pair<std::string, std::function<std::int32_t(Random&)>>> samplers{
      {"right", [&](Random& random) { return draw(from, random); }},
      {"drawn at temperature 0.9", [&](Random& random) { return draw(cold, random); }},
      {"a number for each token", [&](Random& random) { return uniform_for_each_token(from, random); }}};
  constexpr std::array<std::int64_t, 3> sizes{1000, 10000, 100000};
  text.print("{:<28}{:>14}{:>14}{:>14}\n", "chi-square of so many draws", sizes[0], sizes[1], sizes[2]);
  Json data{{"degrees", degrees}, {"samplers", Json::array()}, {"statistics", Json::array()}};
  for (const auto& sampler : samplers) {
    const auto& name = sampler.first;
    const auto& one = sampler.second;
    std::vector<double> statistics;
    for (const std::int64_t draws : sizes) {
      Random random(2);
      statistics.push_back(check::chi_square(count_draws(from, draws, [&] { return one(random); }), right));
    }
    text.print("{:<28}{:>14.0f}{:>14.0f}{:>14.0f}\n", name, statistics[0], statistics[1], statistics[2]);
    data["samplers"].push_back({{"name", name}, {"statistics", statistics}});
  }
  double apart = 0;
  for (std::size_t i = 0; i < from.size(); ++i)
    apart += (cold[i].probability - right[i]) * (cold[i].probability - right[i]) / right[i];
  text.print("{:<28}{:>14.0f}{:>14.0f}{:>14.0f}\n", "predicted for 0.9", degrees + 1e3 * apart,
             degrees + 1e4 * apart, degrees + 1e5 * apart);

  // The right sampler with a thousand seeds: how often it is thought wrong.
  int alarms = 0;
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const double statistic =
        check::chi_square(count_draws(from, 2000, [&] { return draw(from, random); }), right);
    data["statistics"].push_back(statistic);
    sum += statistic;
    if (check::chi_square_tail(statistic, degrees) < 0.05) ++alarms;
  }
  text.print("right, 2000 draws, 1000 seeds: mean {:.1f}; {} of them look as bad as 5 % of right ones do\n",
             sum / 1000, alarms);
  return data;
}

/// The best two of a row of logits, and how far they are apart.
struct BestTwo {
  std::int32_t first = 0, second = 0;
  float margin = 0;
};

BestTwo best_two(std::span<const float> logits) {
  const auto best = static_cast<std::size_t>(greedy(logits));
  std::size_t second = best == 0 ? 1 : 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    if (token != best && logits[token] > logits[second]) second = token;
  }
  return {static_cast<std::int32_t>(best), static_cast<std::int32_t>(second), logits[best] - logits[second]};
}

std::span<const float> row(const Matrix& logits, Eigen::Index i) {
  return {logits.row(i).data(), static_cast<std::size_t>(logits.cols())};
}

/// Logits behind every token of a text, [T, V]: all tokens at once, or in chunks that a cache puts together.
Matrix all_logits(Stage& stage, std::span<const std::int32_t> tokens, std::size_t chunk) {
  Matrix logits(static_cast<Eigen::Index>(tokens.size()), stage.config().vocab);
  for (std::size_t done = 0; done < tokens.size(); done += chunk) {
    const auto now = tokens.subspan(done, std::min(chunk, tokens.size() - done));
    Batch batch;
    batch.add(0, static_cast<std::int32_t>(done), now, Batch::Logits::all);
    logits.middleRows(static_cast<Eigen::Index>(done), static_cast<Eigen::Index>(now.size())) =
        stage.forward(batch);
  }
  stage.sequences().drop(0);
  return logits;
}

Json show_margins(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::vector<std::int32_t> tokens = tokenizer.encode_prompt(input.text_or(passage));
  const auto stage = input.stage(
      "recompute", {.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1});
  const Matrix logits = all_logits(*stage, tokens, tokens.size());
  std::vector<std::pair<float, Eigen::Index>> margins;
  margins.reserve(tokens.size());
  for (Eigen::Index i = 0; i < logits.rows(); ++i) margins.emplace_back(best_two(row(logits, i)).margin, i);
  std::ranges::sort(margins);
  text.print("{} positions; margin between the best two logits\n", margins.size());
  text.print("median {:.2f}", margins[margins.size() / 2].first);
  Json data = Json::array();
  for (const auto& [margin, at] : margins) data.push_back(margin);
  for (const float limit : {1.0F, 0.1F, 0.01F}) {
    const auto below = std::ranges::count_if(margins, [limit](const auto& one) { return one.first < limit; });
    text.print("; below {}: {:.1f} %", limit,
               100.0 * static_cast<double>(below) / static_cast<double>(margins.size()));
  }
  int others = 0;
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    std::vector<float> rounded_row;
    for (const float logit : row(logits, i))
      rounded_row.push_back(bfloat16_to_float(float_to_bfloat16(logit)));
    if (greedy(rounded_row) != greedy(row(logits, i))) ++others;
  }
  text.print("\nlogits rounded to bf16: {} of the choices ({:.0f} %) are other ones\n", others,
             100.0 * others / static_cast<double>(margins.size()));
  text.print("the closest:\n");
  for (std::size_t i = 0; i < 3 && i < margins.size(); ++i) {
    const auto [margin, at] = margins[i];
    const BestTwo best = best_two(row(logits, at));
    const std::span<const std::int32_t> before(tokens.data(), static_cast<std::size_t>(at) + 1);
    text.print("  …{:<34} {:>10} or {:<10} logits {:.3f} and {:.3f}\n",
               tokenizer.decode(before.last(std::min<std::size_t>(before.size(), 6))),
               shown(tokenizer, best.first), shown(tokenizer, best.second), logits(at, best.first),
               logits(at, best.second));
  }
  return data;
}

Json show_orders(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  std::vector<std::int32_t> tokens = tokenizer.encode_prompt(input.text_or(passage));
  tokens.resize(std::min<std::size_t>(tokens.size(), 64));
  const StageOptions options{.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1};
  const Matrix whole = all_logits(*input.stage("recompute", options), tokens, tokens.size());
  const auto cached = input.stage("kv_cache", options);
  Json data = Json::array();
  text.print("{} tokens, kv_cache against recompute of all at once\n", tokens.size());
  text.print("{:<16}{:>28}{:>27}{:>20}\n", "rows at a time", "logits: largest difference",
             "margins: mean difference", "another best token");
  for (const std::size_t chunk : {tokens.size(), std::size_t{16}, std::size_t{5}, std::size_t{1}}) {
    const Matrix logits = all_logits(*cached, tokens, chunk);
    int flips = 0;
    double margins = 0;
    for (Eigen::Index i = 0; i < logits.rows(); ++i) {
      const BestTwo best = best_two(row(whole, i));
      if (greedy(row(logits, i)) != best.first) ++flips;
      margins += std::abs(logits(i, best.first) - logits(i, best.second) - best.margin);
    }
    margins /= static_cast<double>(logits.rows());
    const double largest = (logits - whole).cwiseAbs().maxCoeff();
    text.print("{:<16}{:>28.1e}{:>27.1e}{:>20}\n", chunk, largest, margins, flips);
    data.push_back({{"chunk", chunk}, {"largest", largest}, {"margins", margins}, {"flips", flips}});
  }
  return data;
}

}  // namespace

Demo sampling_demo() {
  return {
      .chapter = 5,
      .title = "How do numbers become a word?",
      .parts = {{"temperature", "a real distribution, sharpened and flattened", show_temperature},
                {"truncation", "top-k, top-p and min-p on the same distribution", show_truncation},
                {"penalty", "what a repetition penalty does to a sentence that repeats", show_penalty},
                {"seeds", "the same seed, the same text", show_seeds},
                {"chi_square", "20,000 draws against their distribution", show_chi_square},
                {"wrong", "wrong samplers, and how many draws it takes to catch them", show_wrong_samplers},
                {"margins", "how close the best two logits get", show_margins},
                {"orders", "the same logits, summed in other orders", show_orders}}};
}

}  // namespace rung
