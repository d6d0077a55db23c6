#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/corruption/block_types.h"
#include "tests/corruption/count_allocations.h"
#include "tests/corruption/damage.h"
#include "tests/corruption/tiny_checkpoint.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;

namespace {

// What opening may take of memory, all allocations added up: several times the bytes that describe the model
// (JSON and tokenizers are the most), and nothing that grows with what a file merely claims.
constexpr std::size_t fixed_allowance = 1 << 18;
constexpr std::size_t allowance_per_byte = 2;

/// What became of many damaged checkpoints.
class Judge {
 public:
  /// @param tokenizer  that of the checkpoints is used, too
  explicit Judge(bool tokenizer = true) : tokenizer_(tokenizer) {}

  /// Opens the checkpoint and uses all of it. Fine: it works, or rung::Error names it in one line.
  /// @param bytes  of all its files together
  void judge(const std::filesystem::path& path, std::size_t bytes, const std::string& damage) {
    const std::size_t before = bytes_allocated();
    std::string complaint;
    try {
      complaint = use(path);
    } catch (const Error& error) {
      complaint = error.what();
      if (!one_line_with(complaint, {path.string()}))
        wrong(damage, "the message is not one line naming the file", complaint);
    } catch (const std::exception& error) {
      wrong(damage, "another exception", error.what());
    }
    ++(complaint.empty() ? opened_ : refused_);
    const std::size_t allocated = bytes_allocated() - before;
    const double share =
        static_cast<double>(allocated) / static_cast<double>(fixed_allowance + allowance_per_byte * bytes);
    most_allocated_ = std::max(most_allocated_, share);
    if (share > 1)
      wrong(damage, "too much memory", fmt::format("{} bytes for a file of {}", allocated, bytes));
  }

  int opened() const { return opened_; }
  int refused() const { return refused_; }

  /// Fails the test when anything went wrong, or when the damage was all of one outcome: then it shows
  /// nothing.
  void check() const {
    fmt::print(stderr,
               "{} damaged checkpoints: {} opened, {} refused, at most {:.0f} % of the memory allowed\n",
               opened_ + refused_, opened_, refused_, 100 * most_allocated_);
    INFO(first_wrong_);
    CHECK(wrong_ == 0);
    CHECK(opened_ > 0);
    CHECK(refused_ > (opened_ + refused_) / 10);
  }

 private:
  /// @return what the tokenizer complains about, else ""
  std::string use(const std::filesystem::path& path) const {
    const Checkpoint checkpoint = Checkpoint::open(path);
    for (const Tensor& tensor : checkpoint.tensors()) {
      const Matrix loaded = load_f32(tensor);
      // 32 bits for at least 4.5 stored: a matrix cannot take more than eight times its bytes.
      if (static_cast<std::size_t>(loaded.size()) * 4 > 8 * tensor.view.bytes.size()) {
        throw std::logic_error("a matrix is larger than its bytes allow");
      }
    }
    if (!tokenizer_) return "";
    checkpoint.tokenizer();
    try {
      const Tokenizer tokenizer(checkpoint.tokenizer());
      tokenizer.decode(tokenizer.encode("the cat <|endoftext|> 12 \xff\xf0"));
    } catch (const Error& error) {
      // The tokenizer knows no file; its message is one line all the same.
      if (!one_line_with(error.what(), {}))
        throw std::logic_error(std::string("not one line: ") + error.what());
      return error.what();
    }
    return "";
  }

  void wrong(const std::string& damage, const std::string& what, const std::string& details) {
    if (wrong_++ < 5) first_wrong_ += fmt::format("{}: {}: {}\n", damage, what, details);
  }

  bool tokenizer_;
  int opened_ = 0, refused_ = 0, wrong_ = 0;
  double most_allocated_ = 0;
  std::string first_wrong_;
};

/// Bytes before the tensors' data, in which most damage is done.
std::size_t head_of(const GgufFile& file) {
  GgufFile head = file;
  for (auto& tensor : head.tensors) tensor.data.clear();
  return head.bytes().size();
}

enum class Damage {
  bytes,  ///< some are changed, cut off or put in, mostly in the head
  lies,   ///< the file is whole, and what it says of itself is not so
};

/// Judges a GGUF file damaged as `seed` says.
/// @param directory  where it is written
void judge_damaged(Judge& judge, const std::filesystem::path& directory, const GgufFile& honest, Damage kind,
                   std::uint64_t seed, const std::string& what = "") {
  Dice dice(seed);
  std::string damage = fmt::format("{}seed {}: ", what, seed);
  Bytes bytes;
  if (kind == Damage::bytes) {
    bytes = honest.bytes();
    damage += damage_bytes(bytes, head_of(honest), dice);
  } else {
    GgufFile file = honest;
    damage += lie(file, dice);
    bytes = file.bytes();
  }
  write_file(directory / "tiny.gguf", bytes);
  judge.judge(directory / "tiny.gguf", bytes.size(), damage);
}

/// Judges `count` files, with damaged bytes and lying in turn, after the file itself, which must open.
/// @param seed  of the first
void judge_both_kinds(Judge& judge, const std::filesystem::path& directory, const GgufFile& honest,
                      std::uint64_t seed, int count, const std::string& what = "") {
  write_file(directory / "tiny.gguf", honest.bytes());
  CHECK(complaint(directory / "tiny.gguf").empty());
  for (int i = 0; i < count; ++i)
    judge_damaged(judge, directory, honest, i % 2 == 0 ? Damage::bytes : Damage::lies,
                  seed + static_cast<std::uint64_t>(i), what);
}

void write_files(const std::filesystem::path& directory, std::string_view config, std::string_view tokenizer,
                 const Bytes& weights) {
  write_file(directory / "config.json", config);
  write_file(directory / "tokenizer.json", tokenizer);
  write_file(directory / "model.safetensors", weights);
}

}  // namespace

TEST_CASE("the undamaged checkpoint opens in both formats") {
  const TemporaryDirectory directory;
  Judge judge;
  const Bytes gguf = tiny_gguf().bytes();
  write_file(directory.path() / "tiny.gguf", gguf);
  judge.judge(directory.path() / "tiny.gguf", gguf.size(), "none");
  const HuggingFaceFiles files = tiny_huggingface();
  const Bytes weights = files.weights.bytes();
  write_files(directory.path(), files.config, files.tokenizer, weights);
  judge.judge(directory.path(), files.config.size() + files.tokenizer.size() + weights.size(), "none");
  CHECK(judge.opened() == 2);
}

TEST_CASE("200 GGUF files with damaged bytes") {
  const TemporaryDirectory directory;
  Judge judge;
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    judge_damaged(judge, directory.path(), tiny_gguf(), Damage::bytes, seed);
  judge.check();
}

TEST_CASE("200 GGUF files that lie") {
  const TemporaryDirectory directory;
  Judge judge;
  for (std::uint64_t seed = 1000; seed < 1200; ++seed)
    judge_damaged(judge, directory.path(), tiny_gguf(), Damage::lies, seed);
  judge.check();
}

TEST_CASE("192 damaged or lying GGUF files of all block types") {
  const TemporaryDirectory directory;
  Judge judge;
  std::uint64_t seed = 4000;
  for (const DType type : block_types) {
    Dice numbers(seed);
    const GgufFile honest = quantised_gguf(type, numbers);
    judge_both_kinds(judge, directory.path(), honest, seed + 1, 24, fmt::format("{}, ", name(type)));
    seed += 24;
  }
  judge.check();
}

TEST_CASE("200 Hugging Face directories with damaged bytes") {
  const TemporaryDirectory directory;
  const HuggingFaceFiles files = tiny_huggingface();
  const auto as_bytes = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return Bytes(bytes.begin(), bytes.end());
  };
  const std::array<Bytes, 3> whole = {as_bytes(files.config), as_bytes(files.tokenizer),
                                      files.weights.bytes()};
  const std::array<const char*, 3> names = {"config.json", "tokenizer.json", "model.safetensors"};
  const std::size_t weights_head = 5000;
  Judge judge;
  for (std::uint64_t seed = 2000; seed < 2200; ++seed) {
    Dice dice(seed);
    const std::size_t which = dice.below(3);
    std::array<Bytes, 3> damaged = whole;
    Bytes& bytes = damaged[which];
    const std::string damage =
        fmt::format("seed {}: {}: {}", seed, names[which],
                    damage_bytes(bytes, which == 2 ? weights_head : bytes.size(), dice));
    std::size_t total = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      write_file(directory.path() / names[i], damaged[i]);
      total += damaged[i].size();
    }
    judge.judge(directory.path(), total, damage);
  }
  judge.check();
}

TEST_CASE("200 Hugging Face directories that lie") {
  const TemporaryDirectory directory;
  const HuggingFaceFiles honest = tiny_huggingface();
  const auto config = nlohmann::json::parse(honest.config);
  const auto tokenizer = nlohmann::json::parse(honest.tokenizer);
  Judge judge;
  for (std::uint64_t seed = 3000; seed < 3200; ++seed) {
    Dice dice(seed);
    HuggingFaceFiles files = honest;
    std::string damage = fmt::format("seed {}: ", seed);
    switch (dice.below(3)) {
      case 0: {
        auto changed = config;
        damage += "config.json: " + lie(changed, dice);
        files.config = changed.dump();
        break;
      }
      case 1: {
        auto changed = tokenizer;
        damage += "tokenizer.json: " + lie(changed, dice);
        files.tokenizer = changed.dump();
        break;
      }
      default:
        damage += "model.safetensors: " + lie(files.weights, dice);
    }
    const Bytes weights = files.weights.bytes();
    write_files(directory.path(), files.config, files.tokenizer, weights);
    judge.judge(directory.path(), files.config.size() + files.tokenizer.size() + weights.size(), damage);
  }
  judge.check();
}

TEST_CASE("200 damaged or lying GGUF files of a mixture of experts, stacked and alone") {
  const TemporaryDirectory directory;
  const TinyModel model(tiny_mixture_config());
  Judge judge(false);
  judge_both_kinds(judge, directory.path(), to_gguf(model, Experts::stacked), 5001, 100);
  judge_both_kinds(judge, directory.path(), to_gguf(model, Experts::alone), 5101, 100);
  judge.check();
}

TEST_CASE("100 Hugging Face directories of a mixture of experts that lie") {
  const TemporaryDirectory directory;
  const TinyModel model(tiny_mixture_config());
  const nlohmann::json config = to_config_json(model);
  const SafetensorsFile weights = to_safetensors(model);
  Judge judge(false);
  for (std::uint64_t seed = 6000; seed < 6100; ++seed) {
    Dice dice(seed);
    std::string damage = fmt::format("seed {}: ", seed);
    nlohmann::json other_config = config;
    SafetensorsFile other_weights = weights;
    damage += dice.below(2) == 0 ? "config.json: " + lie(other_config, dice)
                                 : "model.safetensors: " + lie(other_weights, dice);
    const std::string text = other_config.dump();
    const Bytes bytes = other_weights.bytes();
    write_file(directory.path() / "config.json", text);
    write_file(directory.path() / "model.safetensors", bytes);
    judge.judge(directory.path(), text.size() + bytes.size(), damage);
  }
  judge.check();
}
