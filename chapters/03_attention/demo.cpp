#include "chapters/03_attention/demo.h"

#include <vector>

#include "chapters/03_attention/softmax.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

/// Scores whose exponentials fp32 can hold, and the same 100 higher, where it cannot.
Json show_softmax(const DemoInput& /*input*/, DemoText& text) {
  Json data = Json::array();
  for (const float shift : {0.0F, 100.0F}) {
    Eigen::RowVectorXf scores(3);
    scores << 1 + shift, 2 + shift, 3 + shift;
    Eigen::RowVectorXf weights = scores;
    softmax(weights);
    const Eigen::RowVectorXf exponentials = scores.array().exp();
    const Eigen::RowVectorXf naive = exponentials / exponentials.sum();
    text.print(
        "scores {:5.0f} {:5.0f} {:5.0f}   with the maximum subtracted {:.3f} {:.3f} {:.3f}   without {:.3f} "
        "{:.3f} {:.3f}\n",
        scores[0], scores[1], scores[2], weights[0], weights[1], weights[2], naive[0], naive[1], naive[2]);
    data.push_back({{"scores", std::vector<float>(scores.begin(), scores.end())},
                    {"weights", std::vector<float>(weights.begin(), weights.end())}});
  }
  return data;
}

}  // namespace

Demo attention_demo() {
  return {.chapter = 3,
          .title = "How does a token look at the tokens before it?",
          .parts = {{"softmax", "scores to weights, and why the maximum is subtracted", show_softmax}}};
}

}  // namespace rung
