#include "cuda/report/static_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

namespace rung::cuda {
namespace {

namespace fs = std::filesystem;

/// What a command printed, and how it ended.
struct Finished {
  int status = -1;
  std::string output;
};

std::string quoted(const fs::path& path) {
  std::string text = "'";
  for (const char letter : path.string())
    text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return text + "'";
}

Finished run(const std::string& command) {
  Finished finished;
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "r");  // NOLINT(cert-env33-c): nvcc is a program
  if (pipe == nullptr) return finished;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    finished.output.append(piece.data(), got);
  const int status = pclose(pipe);
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

/// The whole number that stands in `line` right before `after`; 0 when there is none.
int number_before(std::string_view line, std::string_view after) {
  const std::size_t end = line.find(after);
  if (end == std::string_view::npos) return 0;
  std::size_t begin = end;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') --begin;
  int number = 0;
  std::from_chars(line.data() + begin, line.data() + end, number);
  return number;
}

/// Calls `each` with every line.
template <typename Each>
void for_lines(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    each(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// When `source`, a file that it includes by an absolute path, or any header below cuda/ and core/ was last written.
fs::file_time_type newest(const fs::path& root, const fs::path& source) {
  fs::file_time_type time = fs::last_write_time(source);
  for_lines(read_file(source), [&](std::string_view line) {
    constexpr std::string_view include = "#include \"";
    if (!line.starts_with(include) || line.size() <= include.size() || line[include.size()] != '/') return;
    std::error_code error;
    const fs::path included = line.substr(include.size(), line.rfind('"') - include.size());
    const fs::file_time_type written = fs::last_write_time(included, error);
    if (!error) time = std::max(time, written);
  });
  for (const char* folder : {"cuda", "core"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string ending = entry.path().extension().string();
      if (ending == ".h" || ending == ".cuh") time = std::max(time, entry.last_write_time());
    }
  }
  return time;
}

nlohmann::json to_json(const StaticFacts& facts) {
  nlohmann::json json{{"kernels", nlohmann::json::array()}, {"ptx", nlohmann::json::array()}};
  for (const KernelFacts& one : facts.kernels) {
    json["kernels"].push_back({{"symbol", one.symbol},
                               {"architecture", one.architecture},
                               {"registers", one.registers},
                               {"shared_bytes", one.shared_bytes},
                               {"spill_stores", one.spill_stores},
                               {"spill_loads", one.spill_loads}});
  }
  for (const PtxCounts& one : facts.ptx) {
    json["ptx"].push_back({{"symbol", one.symbol},
                           {"mma", one.mma},
                           {"ldmatrix", one.ldmatrix},
                           {"cp_async", one.cp_async},
                           {"loads_of_16_bytes", one.loads_of_16_bytes}});
  }
  return json;
}

StaticFacts from_json(const nlohmann::json& json) {
  StaticFacts facts;
  for (const auto& one : json.at("kernels")) {
    facts.kernels.push_back({.symbol = one.at("symbol"),
                             .architecture = one.at("architecture"),
                             .registers = one.at("registers"),
                             .shared_bytes = one.at("shared_bytes"),
                             .spill_stores = one.at("spill_stores"),
                             .spill_loads = one.at("spill_loads")});
  }
  for (const auto& one : json.at("ptx")) {
    facts.ptx.push_back({.symbol = one.at("symbol"),
                         .mma = one.at("mma"),
                         .ldmatrix = one.at("ldmatrix"),
                         .cp_async = one.at("cp_async"),
                         .loads_of_16_bytes = one.at("loads_of_16_bytes")});
  }
  return facts;
}

/// What was kept of `source`, if it is not older than what it was made from.
std::optional<StaticFacts> kept(const fs::path& file, const fs::path& root, const fs::path& source) {
  std::error_code error;
  const fs::file_time_type time = fs::last_write_time(file, error);
  if (error || time < newest(root, source)) return std::nullopt;
  const nlohmann::json json = nlohmann::json::parse(read_file(file), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  try {
    return from_json(json);
  } catch (const nlohmann::json::exception&) {  // of another version: made anew
    return std::nullopt;
  }
}

}  // namespace

Nvcc find_nvcc() {
  std::vector<fs::path> folders;
  if (const char* path = std::getenv("PATH")) {
    std::istringstream list(path);
    for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
  }
  if (const char* home = std::getenv("CUDA_HOME")) folders.push_back(fs::path(home) / "bin");
  folders.emplace_back("/usr/local/cuda/bin");
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (fs::is_regular_file(folder / "nvcc", error)) return {.program = folder / "nvcc", .missing = ""};
  }
  return {.program = {},
          .missing =
              "no nvcc in PATH, in CUDA_HOME or in /usr/local/cuda: registers, spills and occupancy need it"};
}

std::vector<KernelFacts> read_ptxas_report(std::string_view text) {
  std::vector<KernelFacts> all;
  for_lines(text, [&](std::string_view line) {
    constexpr std::string_view entry = "Compiling entry function '";
    if (const std::size_t at = line.find(entry); at != std::string_view::npos) {
      const std::size_t begin = at + entry.size();
      KernelFacts facts;
      facts.symbol = line.substr(begin, line.find('\'', begin) - begin);
      if (const std::size_t sm = line.find("'sm_"); sm != std::string_view::npos)
        std::from_chars(line.data() + sm + 4, line.data() + line.size(), facts.architecture);
      all.push_back(facts);
    } else if (!all.empty() && line.find("bytes stack frame") != std::string_view::npos) {
      all.back().spill_stores = number_before(line, " bytes spill stores");
      all.back().spill_loads = number_before(line, " bytes spill loads");
    } else if (!all.empty() && line.find(" registers") != std::string_view::npos) {
      all.back().registers = number_before(line, " registers");
      all.back().shared_bytes = number_before(line, " bytes smem");
    }
  });
  return all;
}

std::vector<PtxCounts> read_ptx(std::string_view text) {
  std::vector<PtxCounts> all;
  for_lines(text, [&](std::string_view line) {
    constexpr std::string_view entry = ".entry ";
    if (const std::size_t at = line.find(entry); at != std::string_view::npos) {
      const std::size_t begin = at + entry.size();
      all.push_back({.symbol = std::string(line.substr(begin, line.find('(', begin) - begin))});
    }
    if (all.empty()) return;
    const auto holds = [&](std::string_view what) {
      return line.find(what) != std::string_view::npos ? 1 : 0;
    };
    all.back().mma += holds("mma.sync") | holds("wmma.mma");
    all.back().ldmatrix += holds("ldmatrix.");
    all.back().cp_async += holds("cp.async.c");  // .ca and .cg, not the commits and waits
    all.back().cp_async -= holds("cp.async.commit");
    const bool load = line.find("ld.global") != std::string_view::npos;
    const bool four =
        line.find(".v4.f32") != std::string_view::npos || line.find(".v4.u32") != std::string_view::npos ||
        line.find(".v4.b32") != std::string_view::npos || line.find(".v4.s32") != std::string_view::npos ||
        line.find(".v2.u64") != std::string_view::npos || line.find(".v2.b64") != std::string_view::npos;
    all.back().loads_of_16_bytes += load && four ? 1 : 0;
  });
  return all;
}

bool is_kernel(std::string_view symbol, std::string_view kernel, check::NumberType type) {
  const std::string mangled = fmt::format("{}{}", kernel.size(), kernel);
  const std::size_t at = symbol.find(mangled);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = symbol.substr(at + mangled.size());
  if (!rest.starts_with('I')) return true;  // no template
  switch (type) {
    case check::NumberType::f32:
      return rest.starts_with("If");
    case check::NumberType::f16:
      return rest.starts_with("I6__half");
    case check::NumberType::bf16:
      return rest.starts_with("I13__nv_bfloat16");
  }
  return false;
}

StaticFacts static_facts(const Nvcc& nvcc, const fs::path& root, const fs::path& source,
                         const fs::path& cache) {
  fs::create_directories(cache);
  const std::string stem =
      fmt::format("{}-{:016x}", source.stem().string(), std::hash<std::string>{}(source.string()));
  const fs::path file = cache / (stem + ".json");
  if (const auto facts = kept(file, root, source)) return *facts;

  const std::string common = fmt::format("{} -std=c++20 -x cu -I{} -diag-suppress 20012,20014,20015",
                                         quoted(nvcc.program), quoted(root));
  // What nvcc makes on the way to sm_80's code is kept: the PTX is among it.
  const fs::path on_the_way = cache / fmt::format("{}-{}", stem, getpid());
  fs::create_directories(on_the_way);
  const auto compile = [&](const std::string& options, const fs::path& out) {
    Finished done = run(fmt::format("{} {} -o {} {}", common, options, quoted(out), quoted(source)));
    if (done.status == 0) return done.output;
    fs::remove_all(on_the_way);
    throw Error(ErrorKind::bad_input, "nvcc does not compile {}:\n{}", source.string(), done.output);
  };
  StaticFacts facts;
  for (const int architecture : {80, 89, 90}) {
    std::string options = fmt::format("-cubin -arch=sm_{} -Xptxas -v", architecture);
    if (architecture == 80) options += fmt::format(" --keep --keep-dir {}", quoted(on_the_way));
    for (KernelFacts& one : read_ptxas_report(compile(options, on_the_way / "kernels.cubin")))
      facts.kernels.push_back(std::move(one));
  }
  for (const fs::directory_entry& made : fs::directory_iterator(on_the_way)) {
    if (made.path().extension() == ".ptx") facts.ptx = read_ptx(read_file(made.path()));
  }
  fs::remove_all(on_the_way);

  // Written beside it and renamed: two programs at once do no harm.
  const fs::path unfinished = cache / (stem + ".new");
  std::ofstream(unfinished) << to_json(facts).dump(1);
  fs::rename(unfinished, file);
  return facts;
}

}  // namespace rung::cuda
