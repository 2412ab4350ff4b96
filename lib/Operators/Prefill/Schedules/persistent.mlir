// two-consumers with CTAs that stay for several output tiles: the loads of the next
// tile overlap the epilogue of this one. With cu_seqlens, ptxas spills registers.
#mla.schedule<"persistent" after ["persist", "lazy-rescale", "fold-sums"],
  roles = [
    <"low", warps = 4, registers = 224>,
    <"high", warps = 4, registers = 224>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"q" in ["producer"]>,
    <"k" in ["producer"], stage = 0, order = 1>,
    <"v" in ["producer"], stage = 1, order = 2>,
    <"qk" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"qk.wait" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"mask" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"softmax" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"p" in ["low", "high"], split = 0, stage = 0, order = 5>,
    <"rescale" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"pv" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"pv.wait" in ["low", "high"], split = 0, stage = 1, order = 4>,
    <"stats" in ["low", "high"], split = 0>,
    <"inverse" in ["low", "high"], split = 0>,
    <"normalise" in ["low", "high"], split = 0>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"k", depth = 2>, <"v", depth = 2>]>
