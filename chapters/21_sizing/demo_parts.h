#pragma once

#include <string>

#include "chapters/21_sizing/presets.h"
#include "core/demo/demo.h"

// The parts of chapter 21's demo, by file.

namespace rung::sizing_parts {

/// The numbers behind a part.
using Json = nlohmann::ordered_json;

/// A preset of a model, by its id.
inline SizedModel sized(const std::string& id) {
  return read_model_preset(presets_folder("models") / (id + ".json"));
}
/// A preset of a device.
inline Device listed(const std::string& id) {
  return read_device_preset(presets_folder("devices") / (id + ".json"));
}

/// Sizes: parameters, bytes, what fits where (demo_sizes.cpp).
///@{
Json show_parts(const DemoInput& input, DemoText& text);
Json show_bytes(const DemoInput& input, DemoText& text);
Json show_seventy(const DemoInput& input, DemoText& text);
Json show_homes(const DemoInput& input, DemoText& text);
Json show_quality(const DemoInput& input, DemoText& text);
///@}

/// Speeds: bounds, what changes them, what experts do (demo_bounds.cpp).
///@{
Json show_cards(const DemoInput& input, DemoText& text);
Json show_changes(const DemoInput& input, DemoText& text);
Json show_turning(const DemoInput& input, DemoText& text);
Json show_experts(const DemoInput& input, DemoText& text);
Json show_flops(const DemoInput& input, DemoText& text);
Json show_curves(const DemoInput& input, DemoText& text);
///@}

/// Predictions against what was measured (demo_measured.cpp).
///@{
Json show_predicted(const DemoInput& input, DemoText& text);
Json show_here(const DemoInput& input, DemoText& text);
///@}

}  // namespace rung::sizing_parts
