#include "chapters/demos.h"

#include "chapters/01_tokens/demo.h"
#include "chapters/02_tensors/demo.h"
#include "chapters/03_attention/demo.h"
#include "chapters/04_transformer/demo.h"
#include "chapters/05_sampling/demo.h"
#include "chapters/06_kv_cache/demo.h"
#include "chapters/07_grouped_query/demo.h"
#include "chapters/08_quantization/demo.h"
#include "chapters/09_mixture_of_experts/demo.h"
#include "chapters/13_simt/demo.h"
#include "chapters/14_gemm/demo.h"
#include "chapters/15_flash_attention/demo.h"
#include "chapters/21_sizing/demo.h"

namespace rung {

const std::vector<Demo>& demos() {
  static const std::vector<Demo> all = {
      tokens_demo(),   tensors_demo(),         attention_demo(),    transformer_demo(), sampling_demo(),
      kv_cache_demo(), grouped_query_demo(),   quantization_demo(), mixture_demo(),     simt_demo(),
      gemm_demo(),     flash_attention_demo(), sizing_demo(),
  };
  return all;
}

}  // namespace rung
