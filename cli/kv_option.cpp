#include "cli/kv_option.h"

#include <CLI/CLI.hpp>

#include "core/error.h"

namespace rung {

void add_kv_option(CLI::App& command, std::string& name) {
  command
      .add_option("--kv", name,
                  "What keys and values are remembered as: f32, f16 or int8 (stage grouped and above)")
      ->type_name("TYPE")
      ->capture_default_str();
}

KvType kv_type_named(const std::string& name) {
  if (const auto type = find_kv_type(name)) return *type;
  throw Error(ErrorKind::usage, "--kv: expected f32, f16 or int8, found \"{}\"", name);
}

}  // namespace rung
