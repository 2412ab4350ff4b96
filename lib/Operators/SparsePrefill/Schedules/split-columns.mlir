// Both warpgroups compute the same scores, and each accumulates half of the output
// columns. They share only the KV tile.
#mla.schedule<"split-columns",
  roles = [
    <"left", warps = 4, registers = 216>,
    <"right", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 72>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["left", "right"], stage = 0, order = 1>,
    <"qk.wait" in ["left", "right"], stage = 0, order = 3>,
    <"mask" in ["left", "right"], stage = 1>,
    <"softmax" in ["left", "right"], stage = 1>,
    <"p" in ["left", "right"], stage = 1>,
    <"rescale" in ["left", "right"], split = 1, stage = 1>,
    <"pv" in ["left", "right"], split = 1, stage = 1>,
    <"pv.wait" in ["left", "right"], split = 1, stage = 1, order = 2>,
    <"stats" in ["left"]>,
    <"inverse" in ["left", "right"]>,
    <"normalise" in ["left", "right"], split = 1>,
    <"out" in ["left", "right"], split = 1>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>
