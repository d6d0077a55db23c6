#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/checkpoint/checkpoint.h"
#include "core/stage/stage.h"

namespace rung {

/// What a demo is run on. A demo may need a whole model before the course has built one: then the stage comes
/// from above, and the demo of chapter 03 can look at real queries and keys through a Trace.
struct DemoInput {
  std::string model;             ///< the name or path it was opened by
  const Checkpoint& checkpoint;  ///< open as long as the demo runs
  std::string text;              ///< the reader's own text; empty: the demo's
  /// A stage of the ladder by its name, loaded anew; also "oracle", and the known mistakes of the whole model
  /// such as "rope_interleaved", to see what they do.
  /// @throws Error (usage) for an unknown one, and what StageInfo::make throws
  std::function<std::unique_ptr<Stage>(const std::string& name, const StageOptions& options)> stage;
  /// Another model, by what `-m` takes: a demo that needs weights which nobody has quantised yet opens `tiny`.
  /// @throws Error as Checkpoint::open does
  std::function<Checkpoint(const std::string& model)> open;

  /// The reader's text, or the demo's own.
  std::string text_or(const std::string& own) const { return text.empty() ? own : text; }
};

/// Where a demo prints what the tutorial quotes: stdout, at once; nowhere with --json.
class DemoText {
 public:
  /// @param quiet  print nothing
  explicit DemoText(bool quiet) : quiet_(quiet) {}

  /// Formats with {fmt} and prints, without a line's end of its own.
  template <typename... Arguments>
  void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  /// Prints `text` as it is.
  void write(const std::string& text);

 private:
  bool quiet_;
};

/// Text between quotation marks, line ends and tabs as C++ writes them: "a box\n".
std::string in_quotes(std::string_view text, char mark = '"');

/// `count` ids spread over a vocabulary of `vocab`, for timing: how long a pass takes does not depend on them.
std::vector<std::int32_t> any_tokens(std::int64_t count, std::int64_t vocab);

/// One thing that a chapter's demo shows: `./rung chapter 3 softmax`.
struct DemoPart {
  std::string name;  ///< a word
  std::string what;  ///< one line for the list
  /// Prints it.
  /// @return the numbers behind it, from which the chapter's figures are drawn; null when there are none
  std::function<nlohmann::ordered_json(const DemoInput&, DemoText&)> run;
};

/// A chapter's demo, in the order of its tutorial.
struct Demo {
  int chapter = 0;
  std::string title;  ///< the question that the chapter answers
  std::vector<DemoPart> parts;
};

}  // namespace rung
