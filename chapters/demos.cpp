#include "chapters/demos.h"

#include "chapters/03_attention/demo.h"

namespace rung {

const std::vector<Demo>& demos() {
  static const std::vector<Demo> all = {attention_demo()};
  return all;
}

}  // namespace rung
