#pragma once

#include <string_view>

#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// Whether a control token spelled like this ends a turn or a text, so that generation stops at it: files
/// seldom say.
bool ends_turn(std::string_view piece);

/// Makes control tokens of user-defined pieces that are spelled like a marker of a turn, such as
/// `<|im_start|>`. Some converters write them so, and then anybody could write one into a text.
void protect_turn_markers(TokenizerData& data);

}  // namespace rung
