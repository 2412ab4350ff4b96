// One warpgroup computes scores and softmax and passes P and the rescale factor to
// the other through shared memory. Each accumulates half of the output columns. The
// MMA of the next scores is issued after the MMA with V, whose tile is released as
// soon as that completes. No MMA is in flight across the back edge of the loop,
// since ptxas would serialise it.
#mla.schedule<"shared-p",
  roles = [
    <"softmax", warps = 4, registers = 216>,
    <"output", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 72>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["softmax"], stage = 0, order = 1>,
    <"qk.wait" in ["softmax"], stage = 0, order = 3>,
    <"mask" in ["softmax"], stage = 1>,
    <"softmax" in ["softmax"], stage = 1>,
    <"p" in ["softmax"], stage = 1>,
    <"rescale" in ["softmax", "output"], split = 1, stage = 1>,
    <"pv" in ["softmax", "output"], split = 1, stage = 1>,
    <"pv.wait" in ["softmax", "output"], split = 1, stage = 1, order = 2>,
    <"stats" in ["softmax"]>,
    <"inverse" in ["softmax"]>,
    <"normalise" in ["softmax", "output"], split = 1>,
    <"out" in ["softmax", "output"], split = 1>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>
