#include "chapters/08_quantization/quantize_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chapters/03_attention/rope.h"
#include "chapters/08_quantization/quantize.h"
#include "core/checkpoint/gguf_description.h"
#include "core/checkpoint/gguf_naming.h"
#include "core/checkpoint/gguf_writer.h"
#include "core/error.h"
#include "core/tensor/decode.h"

namespace rung {

namespace {

constexpr std::int64_t numbers_at_a_time = 1 << 20;  // 4 MiB of fp32

/// A tensor of the new file, and where its numbers come from. A stack of experts is as many jobs as it has experts, one
/// after the other, all with the whole stack as `out`.
struct Job {
  GgufTensor out;
  bool begins = true;  ///< `out`; false for the second expert of a stack and those after it
  TensorView from;
  std::string where;                ///< "model.gguf: tensor blk.0.attn_q.weight", for errors
  std::vector<std::int64_t> order;  ///< row r of the new file is row order[r] of the old one; empty: row r
};

/// What is written: entries first, then the tensors.
struct Jobs {
  /// A GGUF file, mapped a second time: a Checkpoint keeps neither the metadata nor what the model does not use.
  std::optional<MappedFile> file;
  GgufEntries entries;
  std::vector<Job> tensors;
  std::vector<std::byte> rope_factors;  ///< owned here: no file holds them
};

bool is_matrix(const Shape& shape) {
  return without_leading_ones(shape).size() > 1;
}

DType new_type(const TensorView& from, DType wanted, bool router) {
  return is_matrix(from.shape) && !router ? type_for_rows(wanted, from.row_elements()) : DType::F32;
}

/// Everything that a GGUF file holds, also what the model does not use.
void plan_from_gguf(const GgufContents& contents, DType dtype, Jobs& jobs) {
  jobs.entries.copy(contents.metadata);
  for (const StoredTensor& stored : contents.tensors) {
    stored.require_readable();
    const bool router = stored.name.ends_with(gguf_naming().router);
    jobs.tensors.push_back({.out = {stored.name, new_type(stored.view, dtype, router), stored.view.shape},
                            .from = stored.view,
                            .where = stored.where(),
                            .order = {}});
  }
}

/// The rows of q or k for llama.cpp: each head's pairs next to each other.
std::vector<std::int64_t> interleaved_order(const Tensor& tensor) {
  Tensor interleaved = tensor;
  interleaved.row_layout = RopeLayout::interleaved;
  std::vector<std::int64_t> order(static_cast<std::size_t>(tensor.view.rows()));
  for (std::int64_t r = 0; r < tensor.view.rows(); ++r)
    order[static_cast<std::size_t>(interleaved.stored_row(r))] = r;
  return order;
}

/// Llama 3.1's scaling is a tensor in GGUF: by what each frequency is divided.
void add_rope_factors(const ModelConfig& config, Jobs& jobs) {
  if (!std::holds_alternative<Llama3RopeScaling>(config.rope.scaling)) return;
  RopeConfig plain = config.rope;
  plain.scaling = std::monostate{};
  const std::vector<double> unscaled = rope_frequencies(plain, config.head_dim);
  const std::vector<double> scaled = rope_frequencies(config.rope, config.head_dim);
  std::vector<float> factors;
  factors.reserve(scaled.size());
  for (std::size_t i = 0; i < scaled.size(); ++i)
    factors.push_back(static_cast<float>(unscaled[i] / scaled[i]));
  const auto bytes = std::as_bytes(std::span(factors));
  jobs.rope_factors.assign(bytes.begin(), bytes.end());
  const Shape shape = {std::ssize(factors)};
  jobs.tensors.push_back({.out = {"rope_freqs.weight", DType::F32, shape},
                          .from = {DType::F32, shape, jobs.rope_factors},
                          .where = "rope_freqs.weight",
                          .order = {}});
}

void plan_from_directory(const Checkpoint& in, DType dtype, Jobs& jobs) {
  const std::filesystem::path directory = std::filesystem::absolute(in.path()).lexically_normal();
  const std::filesystem::path name =
      directory.has_filename() ? directory.filename() : directory.parent_path().filename();
  jobs.entries.set("general.name", name.string());
  describe_model(jobs.entries, in.config());
  if (in.has_tokenizer()) {
    describe_tokenizer(jobs.entries, in.tokenizer());
  } else {
    jobs.entries.set("tokenizer.ggml.model", "none");
  }
  add_rope_factors(in.config(), jobs);
  const TensorNaming naming = gguf_naming();
  for (const Tensor& tensor : in.tensors()) {
    Job job{.out = {stored_name(naming, tensor.name), new_type(tensor.view, dtype, is_router(tensor.name)),
                    tensor.view.shape},
            .from = tensor.view,
            .where = tensor.file.string() + ": tensor " + tensor.stored_name,
            .order = {}};
    if (tensor.row_layout == RopeLayout::half_split) job.order = interleaved_order(tensor);
    if (const auto place = place_in_stack(naming, tensor.name)) {
      job.out.name = place->stored_name;
      job.out.shape.insert(job.out.shape.begin(), in.config().mixture->experts);
      job.begins = place->expert == 0;
    }
    jobs.tensors.push_back(std::move(job));
  }
}

/// What a row was and what it has become.
struct RowSums {
  double squares = 0;  ///< Σ x²
  double errors = 0;   ///< Σ (x - x')²
  bool finite = true;
  bool fits = true;
};

RowSums convert_row(const Job& job, std::int64_t row, std::span<std::byte> out) {
  const auto columns = static_cast<std::size_t>(job.from.row_elements());
  const std::int64_t source = job.order.empty() ? row : job.order[static_cast<std::size_t>(row)];
  const auto stored = job.from.row(source);
  std::vector<float> numbers(columns);
  decode(job.from.dtype, stored, numbers);
  RowSums sums;
  sums.finite = std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
  if (!sums.finite) return sums;
  if (job.out.dtype == job.from.dtype) {
    std::memcpy(out.data(), stored.data(), stored.size());
  } else {
    quantize(job.out.dtype, numbers, out);
  }
  std::vector<float> again(columns);
  decode(job.out.dtype, out, again);
  for (std::size_t i = 0; i < columns; ++i) {
    const double off = double{again[i]} - double{numbers[i]};
    sums.squares += double{numbers[i]} * double{numbers[i]};
    sums.errors += off * off;
  }
  sums.fits = std::isfinite(sums.errors);
  return sums;
}

[[noreturn]] void fail_row(const Job& job, std::int64_t row, const RowSums& sums) {
  if (!sums.finite) {
    throw Error(ErrorKind::bad_input, "{}: a number in row {} is not finite; the file is damaged", job.where,
                row);
  }
  throw Error(
      ErrorKind::bad_input,
      "{}: numbers in row {} are too large for {}, whose scales or numbers end at 65504; take bf16 or f32",
      job.where, row, name(job.out.dtype));
}

class Conversion {
 public:
  Conversion(const Checkpoint& in, const Jobs& jobs, const std::filesystem::path& out,
             const QuantizeProgress& progress)
      : in_(in), jobs_(jobs), progress_(progress), writer_(out, jobs.entries, tensors(jobs)) {
    for (const Job& job : jobs.tensors) all_ += elements(job.from.shape);
  }

  QuantizedModel run() {
    for (const Job& job : jobs_.tensors) convert(job);
    writer_.finish();
    result_.file_bytes = writer_.file_bytes();
    result_.relative_error = squares_ > 0 ? std::sqrt(errors_ / squares_) : 0;
    return result_;
  }

 private:
  static std::vector<GgufTensor> tensors(const Jobs& jobs) {
    std::vector<GgufTensor> list;
    list.reserve(jobs.tensors.size());
    for (const Job& job : jobs.tensors)
      if (job.begins) list.push_back(job.out);
    return list;
  }

  void convert(const Job& job) {
    const std::int64_t rows = job.from.rows();
    const std::int64_t columns = job.from.row_elements();
    const std::int64_t at_a_time = std::clamp<std::int64_t>(numbers_at_a_time / columns, 1, rows);
    for (std::int64_t first = 0; first < rows; first += at_a_time) {
      if (progress_) progress_(job.out.name, static_cast<double>(done_) / static_cast<double>(all_));
      convert_rows(job, first, std::min(at_a_time, rows - first));
      done_ += std::min(at_a_time, rows - first) * columns;
    }
    jobs_.file ? jobs_.file->release_pages() : in_.release_pages();
    QuantizedTotal& total = result_.by_type[job.out.dtype];
    const DTypeInfo& type = info(job.out.dtype);
    if (job.begins) ++total.tensors;
    total.weights += rows * columns;
    total.bytes += rows * columns / type.block_elements * type.block_bytes;
  }

  void convert_rows(const Job& job, std::int64_t first, std::int64_t count) {
    const DTypeInfo& type = info(job.out.dtype);
    const std::int64_t row_bytes = job.from.row_elements() / type.block_elements * type.block_bytes;
    std::vector<std::byte> bytes(static_cast<std::size_t>(count * row_bytes));
    std::vector<RowSums> sums(static_cast<std::size_t>(count));
#pragma omp parallel for schedule(dynamic, 16)
    for (std::int64_t i = 0; i < count; ++i) {
      sums[static_cast<std::size_t>(i)] =
          convert_row(job, first + i,
                      std::span(bytes).subspan(static_cast<std::size_t>(i * row_bytes),
                                               static_cast<std::size_t>(row_bytes)));
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const RowSums& row = sums[static_cast<std::size_t>(i)];
      if (!row.finite || !row.fits) fail_row(job, first + i, row);
      if (!is_matrix(job.from.shape)) continue;
      squares_ += row.squares;
      errors_ += row.errors;
    }
    writer_.append(bytes);
  }

  const Checkpoint& in_;
  const Jobs& jobs_;
  const QuantizeProgress& progress_;
  GgufWriter writer_;
  QuantizedModel result_;
  std::int64_t all_ = 0;   // numbers
  std::int64_t done_ = 0;  // of them
  double squares_ = 0;
  double errors_ = 0;
};

}  // namespace

bool is_router(std::string_view name) {
  return name.ends_with("feed_forward.router.weight");
}

DType type_for_rows(DType wanted, std::int64_t row_elements) {
  const auto fits = [row_elements](DType type) { return row_elements % info(type).block_elements == 0; };
  if (wanted == DType::Q4_K && !fits(wanted)) wanted = DType::Q5_0;
  if (wanted == DType::Q6_K && !fits(wanted)) wanted = DType::Q8_0;
  return fits(wanted) ? wanted : DType::F16;
}

QuantizedModel quantize_model(const Checkpoint& in, const std::filesystem::path& out, DType dtype,
                              const QuantizeProgress& progress) {
  Jobs jobs;
  if (in.format().starts_with("GGUF")) {
    jobs.file = MappedFile::open(in.path());
    plan_from_gguf(read_gguf(*jobs.file), dtype, jobs);
  } else {
    plan_from_directory(in, dtype, jobs);
  }
  describe_file_type(jobs.entries, dtype);
  return Conversion(in, jobs, out, progress).run();
}

}  // namespace rung
