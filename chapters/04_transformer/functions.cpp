#include "chapters/04_transformer/functions.h"

#include <memory>
#include <string>
#include <utility>

#include "chapters/04_transformer/transformer.h"
#include "core/check/functions/transformer.h"
#include "core/error.h"
#include "core/stage/sequences.h"

namespace rung {
namespace {

using check::SkeletonFacts;
using check::SkeletonInput;
using check::SkeletonWeight;

Matrix weight(SkeletonWeight which, int layer = 0) {
  const check::SkeletonMatrix given = check::skeleton_weight(which, layer);
  Matrix matrix(given.rows, given.columns);
  for (std::size_t i = 0; i < given.values.size(); ++i)
    matrix.data()[i] = static_cast<float>(given.values[i]);
  return matrix;
}

Vector norm_weight(SkeletonWeight which, int layer = 0) {
  return weight(which, layer).row(0);
}

std::unique_ptr<Linear> linear(SkeletonWeight which, int layer) {
  return std::make_unique<DenseLinear>(std::make_shared<const Matrix>(weight(which, layer)));
}

// Parts that write down how they are called.

class TellingOutput : public DenseLinear {
 public:
  explicit TellingOutput(SkeletonFacts& facts)
      : DenseLinear(std::make_shared<const Matrix>(weight(SkeletonWeight::output))), facts_(&facts) {}
  void apply(const Activations& x, MatrixView out) const override {
    facts_->output_rows.push_back(x.values().rows());
    DenseLinear::apply(x, out);
  }

 private:
  SkeletonFacts* facts_;
};

class TellingAttention : public Attention {
 public:
  explicit TellingAttention(SkeletonFacts& facts) : facts_(&facts) {}
  std::int64_t stored_width() const override { return SkeletonInput::kv_heads * SkeletonInput::head_dim; }
  void run(int layer, const ConstMatrixView& q, const ConstMatrixView& k, const ConstMatrixView& v,
           KvStore& /*store*/, const Plan& /*plan*/, MatrixView out) const override {
    facts_->attention_layers.push_back(layer);
    for (Eigen::Index t = 0; t < out.rows(); ++t) {
      for (Eigen::Index j = 0; j < out.cols(); ++j) {
        out(t, j) = check::skeleton_attention(q.row(t), k.row(t), v.row(t), j);
      }
    }
  }

 private:
  SkeletonFacts* facts_;
};

class PlainFeedForward : public FeedForward {
 public:
  explicit PlainFeedForward(int layer) : layer_(layer) {}
  std::int64_t weight_bytes() const override { return 0; }
  std::int64_t flops_per_row() const override { return 0; }
  void run(const ConstMatrixView& x, MatrixView out, Trace* /*trace*/,
           const std::string& /*point*/) const override {
    for (Eigen::Index t = 0; t < out.rows(); ++t) {
      for (Eigen::Index j = 0; j < out.cols(); ++j)
        out(t, j) = check::skeleton_feed_forward(x.row(t), layer_, j);
    }
  }

 private:
  int layer_;
};

class TellingTrace : public Trace {
 public:
  explicit TellingTrace(SkeletonFacts& facts) : facts_(&facts) {}
  void see(std::string_view point, const ConstMatrixView& values) override {
    if (point == "norm") facts_->norm_rows.push_back(values.rows());
    if (point == "logits") facts_->logits_rows.push_back(values.rows());
  }

 private:
  SkeletonFacts* facts_;
};

/// The attention here remembers nothing.
class NoStore : public KvStore {
 public:
  void write(int /*layer*/, const SequencePlan& /*sequence*/, const ConstMatrixView& /*keys*/,
             const ConstMatrixView& /*values*/) override {
    refuse();
  }
  ConstMatrixView keys(int /*layer*/, const SequencePlan& /*sequence*/, Matrix& scratch) const override {
    refuse();
    return scratch;
  }
  ConstMatrixView values(int /*layer*/, const SequencePlan& /*sequence*/, Matrix& scratch) const override {
    refuse();
    return scratch;
  }
  std::int64_t bytes() const override { return 0; }
  std::int64_t bytes_per_position() const override { return 0; }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::bad_input,
                "the skeleton wrote to the store or read it; that is its attention's business");
  }
};

Parts telling_parts(SkeletonFacts& facts) {
  Parts parts;
  parts.embedding =
      std::make_unique<DenseEmbedding>(std::make_shared<const Matrix>(weight(SkeletonWeight::embedding)));
  for (int layer = 0; layer < SkeletonInput::layers; ++layer) {
    parts.blocks.push_back({.attention_norm = norm_weight(SkeletonWeight::attention_norm, layer),
                            .q = linear(SkeletonWeight::q, layer),
                            .k = linear(SkeletonWeight::k, layer),
                            .v = linear(SkeletonWeight::v, layer),
                            .o = linear(SkeletonWeight::o, layer),
                            .feed_forward_norm = norm_weight(SkeletonWeight::feed_forward_norm, layer),
                            .feed_forward = std::make_unique<PlainFeedForward>(layer)});
  }
  parts.attention = std::make_unique<TellingAttention>(facts);
  parts.norm = norm_weight(SkeletonWeight::norm);
  parts.output = std::make_unique<TellingOutput>(facts);
  return parts;
}

SkeletonFacts run_skeleton(const SkeletonInput& input) {
  SkeletonFacts facts;
  ModelConfig config;
  config.family = "llama";
  config.layers = SkeletonInput::layers;
  config.hidden = SkeletonInput::hidden;
  config.heads = SkeletonInput::heads;
  config.kv_heads = SkeletonInput::kv_heads;
  config.head_dim = SkeletonInput::head_dim;
  config.vocab = SkeletonInput::vocab;
  config.context = static_cast<std::int64_t>(input.wants.size());
  config.norm_eps = SkeletonInput::norm_eps;
  const Transformer transformer(config, telling_parts(facts));
  Batch batch;
  for (std::size_t t = 0; t < input.wants.size(); ++t) {
    const auto position = static_cast<std::int32_t>(t);
    batch.rows.push_back({.token = position % static_cast<std::int32_t>(SkeletonInput::vocab),
                          .sequence = 0,
                          .position = position,
                          .wants_logits = input.wants[t]});
  }
  NoStore store;
  TellingTrace trace(facts);
  const Matrix logits = transformer.forward(batch, plan_rows(batch), store, input.traced ? &trace : nullptr);
  facts.rows = logits.rows();
  facts.columns = logits.cols();
  facts.logits = {logits.data(), logits.data() + logits.size()};
  return facts;
}

}  // namespace

std::vector<check::JudgedFunction> transformer_functions() {
  return {
      check::judged<SkeletonInput, SkeletonFacts>(check::skeleton_check(),
                                                  "chapters/04_transformer/Transformer", run_skeleton),
  };
}

}  // namespace rung
