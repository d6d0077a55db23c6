#include "chapters/08_quantization/block_dot.h"

#include "chapters/08_quantization/block_groups.h"
#include "core/error.h"

namespace rung {

namespace {

/// In pairs, so that no addition waits for more than two others.
float sum_of(Floats8 x) {
  return ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]));
}

// [dot]
/// The row's product with Rows rows of activations, each group of weights unpacked once for all of them.
///
/// 32 products of whole numbers become 8 sums of 32 bits, exactly; only these are scaled, and added to the other groups'.
template <DType type, int Rows>
void dot(const std::byte* blocks, const QuantizedActivations& x, std::int64_t first, float* out) {
  const std::int64_t block_bytes = info(type).block_bytes;
  Floats8 lanes[Rows] = {};
  float minima[Rows] = {};
  for (std::int64_t g = 0; g < x.groups(); blocks += block_bytes) {
    for (int inside = 0; inside < groups_in_block(type); ++inside, ++g) {
      const WeightGroup w = weight_group<type>(blocks, inside);
      for (int row = 0; row < Rows; ++row) {
        const std::int16_t* a = x.numbers(first + row) + g * activation_group;
        const float scale = x.scales(first + row)[g];
        const Ints8 low = pair_products(w.low, load16<Shorts16>(a));
        const Ints8 high = pair_products(w.high, load16<Shorts16>(a + 16));
        if constexpr (has_two_scales(type)) {
          lanes[row] += (scale * w.scale) * floats(low);
          lanes[row] += (scale * w.high_scale) * floats(high);
        } else {
          lanes[row] += (scale * w.scale) * floats(low + high);
        }
        if constexpr (has_minimum(type)) minima[row] += w.minimum * x.sums(first + row)[g];
      }
    }
  }
  for (int row = 0; row < Rows; ++row) out[row] = sum_of(lanes[row]) + minima[row];
}
// [dot]

template <DType type>
void dot_all(const std::byte* blocks, const QuantizedActivations& x, std::int64_t first, std::int64_t count,
             float* out) {
  std::int64_t done = 0;
  for (; done + 4 <= count; done += 4) dot<type, 4>(blocks, x, first + done, out + done);
  if (count - done == 3) dot<type, 3>(blocks, x, first + done, out + done);
  if (count - done == 2) dot<type, 2>(blocks, x, first + done, out + done);
  if (count - done == 1) dot<type, 1>(blocks, x, first + done, out + done);
}

/// Writes scale · number + minimum for 16 numbers.
void put_decoded(Shorts16 numbers, float scale, float minimum, float* out) {
  const Floats8 first = scale * floats(first_half(numbers)) + minimum;
  const Floats8 second = scale * floats(second_half(numbers)) + minimum;
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + 8, &second, sizeof second);
}

template <DType type>
void decode_all(const std::byte* blocks, std::int64_t groups, float* out) {
  const std::int64_t block_bytes = info(type).block_bytes;
  for (std::int64_t g = 0; g < groups; blocks += block_bytes) {
    for (int inside = 0; inside < groups_in_block(type); ++inside, ++g, out += activation_group) {
      const WeightGroup w = weight_group<type>(blocks, inside);
      put_decoded(w.low, w.scale, w.minimum, out);
      put_decoded(w.high, has_two_scales(type) ? w.high_scale : w.scale, w.minimum, out + 16);
    }
  }
}

/// What a template instance for each type is put into.
template <typename Function, typename OfType>
Function for_type(DType type, OfType&& of_type) {
  switch (type) {
    case DType::Q8_0:
      return of_type.template operator()<DType::Q8_0>();
    case DType::Q4_0:
      return of_type.template operator()<DType::Q4_0>();
    case DType::Q4_1:
      return of_type.template operator()<DType::Q4_1>();
    case DType::Q5_0:
      return of_type.template operator()<DType::Q5_0>();
    case DType::Q5_1:
      return of_type.template operator()<DType::Q5_1>();
    case DType::Q4_K:
      return of_type.template operator()<DType::Q4_K>();
    case DType::Q5_K:
      return of_type.template operator()<DType::Q5_K>();
    case DType::Q6_K:
      return of_type.template operator()<DType::Q6_K>();
    case DType::F32:
    case DType::F16:
    case DType::BF16:
      break;
  }
  throw Error(ErrorKind::bad_input, "products of blocks: {} has none", name(type));
}

}  // namespace

BlockDot block_dot(DType type) {
  return for_type<BlockDot>(type, []<DType of>() -> BlockDot { return dot_all<of>; });
}

DecodeGroups decode_groups(DType type) {
  return for_type<DecodeGroups>(type, []<DType of>() -> DecodeGroups { return decode_all<of>; });
}

}  // namespace rung
