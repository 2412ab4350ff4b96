// One MMA of shared operands, each a view of a tile. conformance.py fills in
// the text in braces: the tiles, the views, and which operand is transposed.
//
// Anchored by: TMA writes both operands, wgmma reads them and defines D. Chosen by
// the converter: the descriptors (start, major bits, offsets between 8 rows and
// between blocks of 64 columns, the byte offset of each k-step), and the addresses
// of tile.store.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

func.func @mma(%a: memref<${a}xbf16> {mla.name = "a"},
               %b: memref<${b}xbf16> {mla.name = "b"},
               %out: memref<${m}x${n}xf32> {mla.name = "out"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<${a}xbf16> -> tensor<${a}xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<${b}xbf16> -> tensor<${b}xbf16>
    %av = tile.view %at [${a_at}] : tensor<${a}xbf16> -> tensor<${a_view}xbf16>
    %bv = tile.view %bt [${b_at}] : tensor<${b}xbf16> -> tensor<${b_view}xbf16>
    %d = tile.dot %av, %bv ${transposed} {tile.label = "dot"} : tensor<${a_view}xbf16>, tensor<${b_view}xbf16> -> tensor<${m}x${n}xf32>
    tile.store %d, %out[%c0, %c0] {tile.label = "out"} : tensor<${m}x${n}xf32>, memref<${m}x${n}xf32>
  }
  return
}
