// dK and dV of a tile of keys: two consumer warpgroups, each with half of the keys,
// and a producer that loads K and V once and then Q and dO. P and dS are transposed,
// [keys, queries], and stay in registers. The MMA of the next scores is issued before
// the MMA of dK, so that one of them runs during the exponentials.
#mla.schedule<"two-consumers",
  roles = [
    <"low", warps = 4, registers = 240>,
    <"high", warps = 4, registers = 240>,
    <"producer", warps = 4, registers = 24>],
  table = [
    <"k" in ["producer"]>,
    <"v" in ["producer"]>,
    <"q" in ["producer"], stage = 0, order = 1>,
    <"do" in ["producer"], stage = 0, order = 2>,
    <"lse" in ["low", "high"], stage = 0, order = 0>,
    <"delta" in ["low", "high"], stage = 0, order = 0>,
    <"s" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"s.wait" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"p" in ["low", "high"], split = 0, stage = 0, order = 4>,
    <"dp" in ["low", "high"], split = 0, stage = 0, order = 6>,
    <"dv" in ["low", "high"], split = 0, stage = 0, order = 7>,
    <"dp.wait" in ["low", "high"], split = 0, stage = 0, order = 8>,
    <"ds" in ["low", "high"], split = 0, stage = 0, order = 9>,
    <"dv.wait" in ["low", "high"], split = 0, stage = 0, order = 10>,
    <"dk" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"dk.wait" in ["low", "high"], split = 0, stage = 1, order = 4>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"q", depth = 3>, <"do", depth = 3>]>
