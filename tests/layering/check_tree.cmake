# cmake -DROOT=… -P check_tree.cmake: the includes of the tree at ROOT keep the layering.
include("${ROOT}/cmake/RungLayering.cmake")
rung_check_includes("${ROOT}")
