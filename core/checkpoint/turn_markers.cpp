#include "core/checkpoint/turn_markers.h"

#include <algorithm>
#include <array>

namespace rung {
namespace {

constexpr std::array<std::string_view, 5> ends = {"<|im_end|>", "<|eot_id|>", "<|end_of_text|>",
                                                  "<|endoftext|>", "</s>"};
constexpr std::array<std::string_view, 5> beginnings = {"<|im_start|>", "<|start_header_id|>",
                                                        "<|end_header_id|>", "[INST]", "[/INST]"};

bool begins_turn(std::string_view piece) {
  return std::find(beginnings.begin(), beginnings.end(), piece) != beginnings.end();
}

}  // namespace

bool ends_turn(std::string_view piece) {
  return std::find(ends.begin(), ends.end(), piece) != ends.end();
}

void protect_turn_markers(TokenizerData& data) {
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    if (data.types[id] == PieceType::user_defined &&
        (begins_turn(data.pieces[id]) || ends_turn(data.pieces[id])))
      data.types[id] = PieceType::control;
  }
}

}  // namespace rung
