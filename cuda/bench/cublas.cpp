#include "cuda/bench/cublas.h"

#include <utility>

#include <dlfcn.h>

#include "core/error.h"

namespace rung::cuda {
namespace {

// The few things of cublas_v2.h and library_types.h that are used, by their values there; gpu_device.cu compares them with
// the toolkit's own where it has the headers.
constexpr int transposed = 1;          // CUBLAS_OP_T
constexpr int as_it_is = 0;            // CUBLAS_OP_N
constexpr int sums_in_fp32 = 68;       // CUBLAS_COMPUTE_32F
constexpr int default_algorithm = -1;  // CUBLAS_GEMM_DEFAULT

/// cudaDataType: CUDA_R_32F, CUDA_R_16F, CUDA_R_16BF.
int data_type(check::NumberType type) {
  switch (type) {
    case check::NumberType::f32:
      return 0;
    case check::NumberType::f16:
      return 2;
    case check::NumberType::bf16:
      return 14;
  }
  return 0;
}

using Create = int(void** handle);
using Destroy = int(void* handle);
using Multiply = int(void* handle, int a_op, int b_op, int m, int n, int k, const void* alpha, const void* a,
                     int a_type, int a_stride, const void* b, int b_type, int b_stride, const void* beta,
                     void* c, int c_type, int c_stride, int compute_type, int algorithm);

/// Its file, by the toolkits' numbers.
void* open_file() {
  for (const char* name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so",
                           RUNG_CUDA_FOLDER "/lib64/libcublas.so"}) {
    if (void* const file = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return file;
  }
  return nullptr;
}

}  // namespace

struct Cublas::Library {
  void* file = nullptr;
  void* handle = nullptr;
  Destroy* destroy = nullptr;
  Multiply* multiply = nullptr;

  ~Library() {
    if (handle != nullptr) destroy(handle);
    dlclose(file);
  }
};

Cublas::Cublas(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Cublas::~Cublas() = default;

std::unique_ptr<Cublas> Cublas::open(std::string& missing) {
  void* const file = open_file();
  if (file == nullptr) {
    missing = "the library libcublas was not found";
    return nullptr;
  }
  auto library = std::make_unique<Library>();
  library->file = file;
  auto* const create = reinterpret_cast<Create*>(dlsym(file, "cublasCreate_v2"));
  library->destroy = reinterpret_cast<Destroy*>(dlsym(file, "cublasDestroy_v2"));
  library->multiply = reinterpret_cast<Multiply*>(dlsym(file, "cublasGemmEx"));
  if (create == nullptr || library->destroy == nullptr || library->multiply == nullptr) {
    missing = "libcublas has no cublasCreate_v2, cublasDestroy_v2 or cublasGemmEx";
    return nullptr;
  }
  if (const int status = create(&library->handle); status != 0) {
    library->handle = nullptr;
    missing = "cublasCreate gave status " + std::to_string(status);
    return nullptr;
  }
  return std::unique_ptr<Cublas>(new Cublas(std::move(library)));
}

void Cublas::multiply(check::NumberType type, const void* x, const void* w, void* y, int M, int N, int K) {
  // It counts columns first: what it sees are xᵀ [K, M], wᵀ [K, N] and yᵀ = w · xᵀ [N, M].
  const float one = 1;
  const float zero = 0;
  const int numbers = data_type(type);
  const int status = library_->multiply(library_->handle, transposed, as_it_is, N, M, K, &one, w, numbers, K,
                                        x, numbers, K, &zero, y, numbers, N, sums_in_fp32, default_algorithm);
  if (status != 0) throw Error(ErrorKind::bad_input, "cublasGemmEx gave status {}", status);
}

}  // namespace rung::cuda
