#include "core/checkpoint/gguf_config.h"
#include "core/checkpoint/gguf_naming.h"
#include "core/checkpoint/gguf_tokenizer.h"
#include "core/checkpoint/opened_model.h"

namespace rung {

namespace {

MaybeTokenizer tokenizer_or_error(const GgufMetadata& metadata, std::int64_t vocab) {
  try {
    if (!has_gguf_tokenizer(metadata)) return std::monostate{};
    return read_gguf_tokenizer(metadata, vocab);
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

OpenedModel open_gguf(const std::filesystem::path& path) {
  OpenedModel model;
  model.files.push_back(std::make_unique<MappedFile>(MappedFile::open(path)));
  const GgufContents contents = read_gguf(*model.files.front());
  model.format = fmt::format("GGUF v{}", contents.version);
  model.config = read_gguf_config(contents);
  model.tensors = bind_tensors(path, model.config, gguf_naming(), contents.tensors);
  model.tokenizer = tokenizer_or_error(contents.metadata, model.config.vocab);
  return model;
}

}  // namespace rung
