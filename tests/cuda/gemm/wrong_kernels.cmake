# Mistakes that people make in these kernels. wrong_kernels_test.cpp says who must find which.

set(gemm cuda/gemm)

rung_wrong_kernel(columns_unguarded FILE ${gemm}/01_naive.cuh
  REPLACE "if (row >= shape.m || column >= shape.n) return;" BY "if (row >= shape.m) return;")
rung_wrong_kernel(w_transposed FILE ${gemm}/01_naive.cuh
  REPLACE "to_float(w_row[k])" BY "to_float(w_row[k * shape.n + column - column * shape.w_stride])")
rung_wrong_kernel(c_transposed FILE ${gemm}/01_naive.cuh
  REPLACE "row_of(c, row, shape.c_stride)[column]" BY "row_of(c, column, shape.c_stride)[row]")

rung_wrong_kernel(half_of_the_lanes_added FILE ${gemm}/02_coalesced.cuh
  REPLACE "apart = warpSize / 2" BY "apart = warpSize / 4")
rung_wrong_kernel(lanes_not_in_mask FILE ${gemm}/02_coalesced.cuh
  REPLACE "__shfl_xor_sync(0xffffffff," BY "__shfl_xor_sync(0x0000ffff,")
rung_wrong_kernel(lane_leaves_early FILE ${gemm}/02_coalesced.cuh
  REPLACE "if (column >= shape.n) return;" BY "if (column >= shape.n || lane >= shape.k) return;")

rung_wrong_kernel(tiles_not_awaited FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "__syncthreads();  // both tiles are complete" BY "")
rung_wrong_kernel(tiles_overwritten FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "__syncthreads();  // nobody reads them any more" BY "")
rung_wrong_kernel(tile_transposed FILE ${gemm}/03_shared_tiles.cuh REPLACE "w_tile[x][d]" BY "w_tile[d][x]")
rung_wrong_kernel(k_tail_dropped FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "first_k < shape.k; first_k" BY "first_k + tile_depth <= shape.k; first_k")
rung_wrong_kernel(k_unguarded FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "first_row + y < shape.m && k < shape.k;" BY "first_row + y < shape.m;")
rung_wrong_kernel(rows_unguarded FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "first_row + y < shape.m && k < shape.k;" BY "k < shape.k;")
rung_wrong_kernel(result_unguarded FILE ${gemm}/03_shared_tiles.cuh
  REPLACE "if (row < shape.m && column < shape.n) " BY "if (column < shape.n) ")

rung_wrong_kernel(rows_mixed_up FILE ${gemm}/05_squares_in_registers.cuh
  REPLACE "first_row + y + i * threads_y;" BY "first_row + y * thread_rows + i;")
rung_wrong_kernel(swizzled_on_one_side FILE ${gemm}/08_swizzled.cuh
  REPLACE "w_chunk = w_tile[r][swizzled(r, d)]" BY "w_chunk = w_tile[r][d]")

rung_wrong_kernel(copies_not_awaited FILE ${gemm}/09_double_buffered.cuh
  REPLACE "cp_async_wait<1>" BY "cp_async_wait<2>")
rung_wrong_kernel(buffers_not_swapped FILE ${gemm}/09_double_buffered.cuh
  REPLACE "fetch(1 - buffer, first" BY "fetch(buffer, first")
rung_wrong_kernel(copies_not_shared FILE ${gemm}/09_double_buffered.cuh
  REPLACE "__syncthreads();          // and everybody else's" BY "")

rung_wrong_kernel(w_row_major FILE ${gemm}/10_wmma.cuh REPLACE "T, wmma::col_major>" BY "T, wmma::row_major>")
rung_wrong_kernel(fragment_overwritten FILE ${gemm}/10_wmma.cuh
  REPLACE "__syncwarp();  // before the next fragment takes this one's place" BY "")

rung_wrong_kernel(stage_not_awaited FILE ${gemm}/11_mma.cuh
  REPLACE "cp_async_wait<buffers - 2>" BY "cp_async_wait<buffers - 1>")
rung_wrong_kernel(stage_overwritten FILE ${gemm}/11_mma.cuh
  REPLACE "fetch((buffer + buffers - 1) % buffers, first" BY "fetch((buffer + 1) % buffers, first")
rung_wrong_kernel(stage_not_shared FILE ${gemm}/11_mma.cuh
  REPLACE "__syncthreads();                    // and" BY "// and")
rung_wrong_kernel(quad_not_transposed FILE ${gemm}/11_mma.cuh REPLACE "transpose_in_quad(pairs, lane % 4);" BY "")
rung_wrong_kernel(halves_swapped FILE ${gemm}/11_mma.cuh
  REPLACE "sums[i][j + 1], a_fragments[i], w_fragments[1]" BY "sums[i][j + 1], a_fragments[i], w_fragments[0]")
rung_wrong_kernel(multiplied_as_half FILE ${gemm}/11_mma.cuh
  REPLACE "multiply<T>(sums[i][j], " BY "multiply<half>(sums[i][j], ")

rung_wrong_kernel(last_part_dropped FILE ${gemm}/12_split_k.cuh
  REPLACE "part < parts; ++part" BY "part < parts - 1; ++part")
rung_wrong_kernel(parts_overlap FILE ${gemm}/12_split_k.cuh
  REPLACE "min((part + 1) * part_chunks," BY "min((part + 1) * part_chunks + 1,")
rung_wrong_kernel(parts_in_one_place FILE ${gemm}/12_split_k.cuh
  REPLACE "part * shape.m + row, sums_stride) + column" BY "row, sums_stride) + column")
rung_wrong_kernel(parts_rounded FILE ${gemm}/12_split_k.cuh
  REPLACE "sum += row_of(sums_of_parts, part * shape.m + row, sums_stride)[column];"
  BY "sum += to_float(from_float<T>(row_of(sums_of_parts, part * shape.m + row, sums_stride)[column]));")
