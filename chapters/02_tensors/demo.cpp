#include "chapters/02_tensors/demo.h"

#include <iterator>
#include <utility>
#include <vector>

#include "chapters/02_tensors/demo_parts.h"

namespace rung {

Demo tensors_demo() {
  Demo demo{.chapter = 2, .title = "How fast can this machine run a model?", .parts = memory_parts()};
  std::vector<DemoPart> more = speed_parts();
  demo.parts.insert(demo.parts.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  return demo;
}

}  // namespace rung
