#pragma once

#include "core/stage/kv_store.h"
#include "core/stage/plan.h"
#include "core/tensor/matrix.h"

namespace rung {

/// A part of the transformer: remembers the new keys and values and lets every row attend to its own
/// sequence. The only part that looks at sequence boundaries.
class Attention {
 public:
  virtual ~Attention() = default;
  /// Numbers in one stored row of keys (or values): what a KvStore for this attention must hold.
  virtual std::int64_t stored_width() const = 0;
  /// @param q     [T, H · D], rotated
  /// @param k, v  [T, G · D], k rotated; written to the store
  /// @param out   [T, H · D], overwritten
  virtual void run(int layer, const ConstMatrixView& q, const ConstMatrixView& k, const ConstMatrixView& v,
                   KvStore& store, const Plan& plan, MatrixView out) const = 0;
};

}  // namespace rung
