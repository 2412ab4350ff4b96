// Two consumer warpgroups, each with half of the query rows, and a producer that
// loads Q, K and V by TMA: the design of FlashAttention-3. P stays in registers.
// The MMA of the next scores is issued before the MMA with V, so that one of them
// runs during the softmax. So V of a tile is loaded after K of the next one.
#mla.schedule<"two-consumers" after ["lazy-rescale", "fold-sums"],
  roles = [
    <"low", warps = 4, registers = 232>,
    <"high", warps = 4, registers = 232>,
    <"producer", warps = 4, registers = 40>],
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
