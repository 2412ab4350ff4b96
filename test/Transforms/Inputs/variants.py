"""Writes mla.sparse_prefill in all its variants, a function each: every number of
heads, both head dimensions, with and without topk_length and attn_sink, and tiles
that a static topk makes few enough for loops to fold away."""

import itertools


def tensor(element, *sizes):
    dims = "x".join("?" if size is None else str(size) for size in sizes)
    if len(sizes) == 1:
        return f"memref<{dims}x{element}>"
    strides = ", ".join("?" * (len(sizes) - 1))
    return f"memref<{dims}x{element}, strided<[{strides}, 1]>>"


def operator(name, heads, dim, topk, length, sink):
    q = tensor("bf16", None, heads, dim)
    kv = tensor("bf16", None, 1, dim)
    indices = tensor("i32", None, 1, topk)
    out = tensor("bf16", None, heads, 512)
    stat = tensor("f32", None, heads)
    optional = ""
    if length:
        optional += " topk_length(%length : memref<?xi32>)"
    if sink:
        optional += f" attn_sink(%sink : memref<{heads}xf32>)"
    return f"""
func.func @{name}(%q: {q}, %kv: {kv}, %indices: {indices}, %scale: f32,
    %length: memref<?xi32>, %sink: memref<{heads}xf32>, %out: {out}, %max: {stat}, %lse: {stat}) {{
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : {q}, {kv}, {indices}){optional}
      outs(%out, %max, %lse : {out}, {stat}, {stat})
  return
}}"""


VARIANTS = list(itertools.product((576, 512), (False, True), (False, True)))
for heads in range(1, 129):
    dim, length, sink = VARIANTS[heads % len(VARIANTS)]
    print(operator(f"h{heads}", heads, dim, None, length, sink))
for heads, topk, dim in itertools.product((8, 64), (1, 32, 64, 65, 128, 129), (576, 512)):
    print(operator(f"h{heads}_d{dim}_topk{topk}", heads, dim, topk, False, False))
