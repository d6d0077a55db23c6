#include "chapters/demos.h"

#include "chapters/01_tokens/demo.h"
#include "chapters/02_tensors/demo.h"
#include "chapters/03_attention/demo.h"
<<<<<<< HEAD
#include "chapters/04_transformer/demo.h"
=======
#include "chapters/05_sampling/demo.h"
>>>>>>> 6abb45d (Chapter 05: the lesson, from logits to a tested token)
#include "chapters/06_kv_cache/demo.h"

namespace rung {

const std::vector<Demo>& demos() {
  static const std::vector<Demo> all = {
      tokens_demo(),
      tensors_demo(),
      attention_demo(),
<<<<<<< HEAD
      transformer_demo(),
=======
      sampling_demo(),
>>>>>>> 6abb45d (Chapter 05: the lesson, from logits to a tested token)
      kv_cache_demo(),
  };
  return all;
}

}  // namespace rung
