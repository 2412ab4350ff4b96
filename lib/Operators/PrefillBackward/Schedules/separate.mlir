// dK of wide heads, where registers cannot hold both dK and dV: another kernel
// computes dV. Otherwise as two-consumers.
#mla.schedule<"separate",
  roles = [
    <"low", warps = 4, registers = 224>,
    <"high", warps = 4, registers = 224>,
    <"producer", warps = 4, registers = 56>],
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
    <"dp.wait" in ["low", "high"], split = 0, stage = 0, order = 8>,
    <"ds" in ["low", "high"], split = 0, stage = 0, order = 9>,
    <"dk" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"dk.wait" in ["low", "high"], split = 0, stage = 1, order = 4>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"q", depth = 3>, <"do", depth = 2>]>
