// seesaw of sparse_prefill without "persist", with which ptxas spills registers:
// a grid point of decode has more indices. Two KV tiles per iteration; each
// warpgroup computes the scores of one of them and accumulates half of the output
// columns.
#mla.schedule<"seesaw" after ["pair-tiles", "split-width", "split-tail", "split-sums", "lazy-rescale"],
  roles = [
    <"left", warps = 4, registers = 224>,
    <"right", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 64>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"k.1.r.t" in ["producer"], stage = 1>,
    <"k.1.l" in ["producer"], stage = 1, order = 2>,
    <"valid" in ["producer"], stage = 1>,
    <"valid.1" in ["producer"], stage = 1, order = 2>,

    <"qk.0" in ["left"], stage = 0, order = 5>,
    <"qk.0.r" in ["left"], stage = 0, order = 7>,
    <"qk.0.r.wait" in ["left"], stage = 0, order = 8>,
    <"valid.0.load" in ["left"], stage = 0, order = 7>,
    <"mask.0" in ["left"], stage = 1>,
    <"softmax.0" in ["left"], stage = 1>,
    <"softmax.0.max" in ["left", "right"], stage = 1>,
    <"softmax.0.rescale" in ["left", "right"], stage = 1>,
    <"softmax.0.sum" in ["left"], stage = 1, order = 3>,
    <"softmax.0.rowsum" in ["left"], stage = 1, order = 1>,
    <"p.0" in ["left"], stage = 1>,

    <"qk.1" in ["right"], stage = 1, order = -1>,
    <"valid.1.load" in ["right"], stage = 1, order = -2>,
    <"mask.1" in ["right"], stage = 1, order = -1>,
    <"softmax.1" in ["right"], stage = 1, order = 2>,
    <"softmax.1.rowmax" in ["right"], stage = 1>,
    <"softmax.1.max" in ["left", "right"], stage = 1, order = 2>,
    <"softmax.1.rescale" in ["left", "right"], stage = 1, order = 2>,
    <"softmax.1.sum" in ["right"], stage = 1, order = 3>,
    <"softmax.1.rowsum" in ["right"], stage = 1, order = 3>,
    <"p.1" in ["right"], stage = 1, order = 2>,

    <"rescale.0.l" in ["left"], stage = 1>,
    <"pv.0.l" in ["left"], stage = 1>,
    <"pv.0.l.wait" in ["left"], stage = 1, order = 2>,
    <"rescale.1.l" in ["left"], stage = 1, order = 4>,
    <"pv.1.l" in ["left"], stage = 1, order = 4>,
    <"pv.1.l.wait" in ["left"], stage = 1, order = 6>,

    <"rescale.0.r" in ["right"], stage = 1, order = 1>,
    <"pv.0.r" in ["right"], stage = 1, order = 1>,
    <"pv.0.r.wait" in ["right"], stage = 1, order = 4>,
    <"rescale.1.r" in ["right"], stage = 1, order = 5>,
    <"pv.1.r" in ["right"], stage = 1, order = 5>,
    <"pv.1.r.wait" in ["right"], stage = 1, order = 6>,

    <"softmax.sum" in ["right"]>,
    <"stats" in ["right"]>,
    <"inverse" in ["right"]>,
    <"normalise.l" in ["left"]>,
    <"normalise.r" in ["right"]>,
    <"out.l" in ["left"]>,
    <"out.r" in ["right"]>],
  rings = [
    <"p.0", depth = 1, aliases = "k.0.r", byte = 32768>]>
