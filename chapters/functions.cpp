#include "chapters/01_tokens/functions.h"

#include <iterator>
#include <utility>

#include "chapters/02_tensors/functions.h"
#include "chapters/03_attention/functions.h"
#include "chapters/04_transformer/functions.h"
#include "chapters/05_sampling/functions.h"
#include "chapters/06_kv_cache/functions.h"
#include "chapters/07_grouped_query/functions.h"
#include "chapters/08_quantization/functions.h"
#include "chapters/09_mixture_of_experts/functions.h"
#include "chapters/13_simt/functions.h"
#include "chapters/14_gemm/functions.h"
#include "chapters/15_flash_attention/functions.h"
#include "chapters/21_sizing/functions.h"
#include "chapters/candidates.h"

namespace rung {

std::vector<check::JudgedFunction> chapter_functions() {
  std::vector<check::JudgedFunction> all;
  for (const auto of_chapter :
       {tokens_functions, tensors_functions, attention_functions, transformer_functions, sampling_functions,
        kv_cache_functions, grouped_functions, quantization_functions, mixture_functions, simt_functions,
        gemm_functions, flash_attention_functions, sizing_functions}) {
    std::vector<check::JudgedFunction> some = of_chapter();
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace rung
