# Mistakes that people make in these kernels. wrong_kernels_test.cpp and profile_test.cpp say who must find which.

set(attention cuda/attention)

rung_wrong_kernel(kv_head_modulo FILE ${attention}/02_online.cuh
  REPLACE "kv_head = head / (shape.heads / shape.kv_heads);" BY "kv_head = head % shape.kv_heads;")
rung_wrong_kernel(window_one_longer FILE ${attention}/02_online.cuh
  REPLACE "int key = seen.first;" BY "int key = seen.first > 0 ? seen.first - 1 : 0;")
rung_wrong_kernel(sum_not_rescaled FILE ${attention}/02_online.cuh
  REPLACE "sum = sum * rescale + weight;" BY "sum = sum + weight;")
rung_wrong_kernel(result_not_rescaled FILE ${attention}/02_online.cuh
  REPLACE "result[i] = result[i] * rescale + weight" BY "result[i] = result[i] + weight")
rung_wrong_kernel(nothing_seen_divided FILE ${attention}/02_online.cuh
  REPLACE "sum > 0 ? result[i] / sum : 0" BY "result[i] / sum")

rung_wrong_kernel(tile_not_rescaled FILE ${attention}/03_tiled.cuh REPLACE "number *= rescale;" BY "number *= 1;")
rung_wrong_kernel(masked_after_max FILE ${attention}/03_tiled.cuh
  REPLACE "scores[j] = seen.has(key) ? shape.scale * scores[j] : -INFINITY;
      tile_max = fmaxf(tile_max, scores[j]);"
  BY "tile_max = fmaxf(tile_max, shape.scale * scores[j]);
      scores[j] = seen.has(key) ? shape.scale * scores[j] : -INFINITY;")
rung_wrong_kernel(max_starts_at_0 FILE ${attention}/03_tiled.cuh
  REPLACE "float max = -INFINITY;" BY "float max = 0;")
rung_wrong_kernel(max_starts_at_minus_10000 FILE ${attention}/04_mma.cuh
  REPLACE "float max[2] = {-INFINITY, -INFINITY};" BY "float max[2] = {-10000, -10000};")
rung_wrong_kernel(masked_score_zero FILE ${attention}/03_tiled.cuh
  REPLACE "shape.scale * scores[j] : -INFINITY;" BY "shape.scale * scores[j] : 0;")
rung_wrong_kernel(nan_of_nothing FILE ${attention}/03_tiled.cuh
  REPLACE "base = base_of(new_max);" BY "base = new_max;")
rung_wrong_kernel(last_tile_unguarded FILE ${attention}/03_tiled.cuh
  REPLACE "there = key < seen_by_block.end && d < shape.head_dim;" BY "there = d < shape.head_dim;")
rung_wrong_kernel(last_tile_dropped FILE ${attention}/03_tiled.cuh
  REPLACE "first_key < seen_by_block.end; first_key += keys"
  BY "first_key + keys <= seen_by_block.end; first_key += keys")
rung_wrong_kernel(sum_of_one_lane FILE ${attention}/03_tiled.cuh REPLACE "sum = quad_sum(sum);" BY "")
rung_wrong_kernel(max_of_one_lane FILE ${attention}/03_tiled.cuh REPLACE "quad_max(tile_max)" BY "tile_max")
rung_wrong_kernel(rows_unguarded FILE ${attention}/03_tiled.cuh
  REPLACE "if (row >= sequence.rows) return;" BY "")
rung_wrong_kernel(tiles_not_awaited FILE ${attention}/03_tiled.cuh
  REPLACE "__syncthreads();  // the tiles are complete" BY "")
rung_wrong_kernel(tiles_overwritten FILE ${attention}/03_tiled.cuh
  REPLACE "__syncthreads();  // nobody reads them any more" BY "")
rung_wrong_kernel(weights_not_awaited FILE ${attention}/03_tiled.cuh
  REPLACE "__syncwarp();  // the four lanes" BY "// the four lanes")

rung_wrong_kernel(half_rescaled FILE ${attention}/04_mma.cuh
  REPLACE "result[n][half * 2 + 1] *= rescale;" BY "")
rung_wrong_kernel(keys_swapped FILE ${attention}/04_mma.cuh
  REPLACE "first_key + j * 8 + t * 2 + e" BY "first_key + j * 8 + t + e * 4")
rung_wrong_kernel(lower_row_masked_as_upper FILE ${attention}/04_mma.cuh
  REPLACE "seen[half].has(" BY "seen[0].has(")
rung_wrong_kernel(factor_out_of_order FILE ${attention}/04_mma.cuh
  REPLACE "scores[j * 2], scores[j * 2 + 1]);" BY "scores[j * 2 + 1], scores[j * 2]);")
rung_wrong_kernel(multiplied_as_half FILE ${attention}/04_mma.cuh
  REPLACE "multiply<T>(result[n]," BY "multiply<__half>(result[n],")
rung_wrong_kernel(staged_not_awaited FILE ${attention}/04_mma.cuh
  REPLACE "__syncwarp();  // the results are there" BY "")

rung_wrong_kernel(copies_not_awaited FILE ${attention}/05_double_buffered.cuh
  REPLACE "cp_async_wait<0>" BY "cp_async_wait<1>")
rung_wrong_kernel(copies_not_shared FILE ${attention}/05_double_buffered.cuh
  REPLACE "__syncthreads();          // and everybody else's" BY "// and everybody else's")
rung_wrong_kernel(values_of_the_tile_before FILE ${attention}/05_double_buffered.cuh
  REPLACE "v_tile = v_tiles + buffer * keys;" BY "v_tile = v_tiles + (1 - buffer) * keys;")
rung_wrong_kernel(fetched_into_its_own_tile FILE ${attention}/05_double_buffered.cuh
  REPLACE "fetch(1 - buffer, first_key + keys);" BY "fetch(buffer, first_key + keys);")

rung_wrong_kernel(swizzled_on_one_side FILE ${attention}/06_swizzled.cuh
  REPLACE "copy_chunk(&v_tiles[to][at]" BY "copy_chunk(&v_tiles[to][i % chunks]")
rung_wrong_kernel(values_not_transposed FILE ${attention}/06_swizzled.cuh
  REPLACE "load_values<chunks>(values, v_tile + j * 16, n * 2, lane);"
  BY "load_keys<chunks>(values, v_tile + j * 16, n * 2, lane);")
rung_wrong_kernel(ring_ignored FILE ${attention}/06_swizzled.cuh
  REPLACE "slot_of(sequence, key) * shape.kv_heads" BY "(sequence.first_slot + key) * shape.kv_heads")
rung_wrong_kernel(first_row_dropped FILE ${attention}/06_swizzled.cuh
  REPLACE "vector_of(q, sequence.first_row + row," BY "vector_of(q, row,")
rung_wrong_kernel(queries_overwritten FILE ${attention}/06_swizzled.cuh
  REPLACE "__syncwarp();  // each lane has read" BY "// each lane has read")
