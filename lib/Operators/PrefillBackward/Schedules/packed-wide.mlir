// packed for sums of head dimensions above 256, whose dK and dV leave the producer
// fewer registers: enough for heads that are not grouped.
#mla.schedule<"packed-wide",
  roles = [
    <"low", warps = 4, registers = 232>,
    <"high", warps = 4, registers = 232>,
    <"producer", warps = 4, registers = 40>],
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
  rings = [<"q", depth = 3>, <"do", depth = 2>]>
