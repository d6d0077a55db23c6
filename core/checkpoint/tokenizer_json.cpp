#include "core/checkpoint/tokenizer_json.h"

#include "core/error.h"

namespace rung {

TokenizerData read_tokenizer_json(const std::filesystem::path& directory) {
  throw Error(ErrorKind::bad_input, "{}: reading tokenizer.json is not written yet", directory.string());
}

}  // namespace rung
