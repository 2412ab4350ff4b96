// For few heads: heads are the columns of the MMAs. Rows are KV rows for the scores,
// and dimensions for the output. One warpgroup computes scores and softmax one tile
// ahead and passes P and the rescale factors to the other, which accumulates the
// whole output. The gather limits the speed, so as many bytes as fit in shared
// memory are in flight, in parts that are released separately.
#mla.schedule<"swapped" after ["split-width", "defer-sums", "swap-ab"],
  roles = [
    <"scores", warps = 4, registers = 144>,
    <"output", warps = 4, registers = 240>,
    <"producer", warps = 4, registers = 120>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["scores"]>,
    <"valid.load" in ["scores"], order = -1>,
    <"mask" in ["scores"]>,
    <"softmax" in ["scores"]>,
    <"p" in ["scores"]>,
    <"softmax.sum" in ["scores"], order = 1>,
    <"rescale.r" in ["output"]>,
    <"pv.r" in ["output"]>,
    <"rescale.l" in ["output"], order = 1>,
    <"pv.l" in ["output"], order = 1>,
    <"pv.r.wait" in ["output"], order = 2>,
    <"pv.l.wait" in ["output"], order = 3>,
    <"stats" in ["scores"]>,
    <"inverse" in ["scores"]>,
    <"normalise" in ["output"]>,
    <"out" in ["output"]>],
  rings = [
    <"k.l", depth = 2 to 3>,
    <"k.r", depth = 2 to 3>,
    <"valid", depth = 3>,
    <"p", depth = 1 to 2>,
    <"softmax.rescale", depth = 2>]>
