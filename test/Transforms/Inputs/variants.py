"""Writes an attention operator in all its variants, a function each: every number of
heads and both head dimensions. mla.sparse_prefill: with and without topk_length and
attn_sink, and tiles that a static topk makes few enough for loops to fold away.
mla.decode: both masks, one query and several, pages of all kinds and a contiguous cache,
and rope columns of their own. mla.prefill: all pairs of head dimensions, both masks, and
packed sequences.

usage: variants.py [sparse_prefill|decode|prefill]
"""

import itertools
import sys


def tensor(element, *sizes):
    dims = "x".join("?" if size is None else str(size) for size in sizes)
    if len(sizes) == 1:
        return f"memref<{dims}x{element}>"
    strides = ", ".join("?" * (len(sizes) - 1))
    return f"memref<{dims}x{element}, strided<[{strides}, 1]>>"


def sparse_prefill(name, heads, dim, topk, length, sink):
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


def decode(name, heads, dim, page, causal, queries, rope):
    """`page`: None for a contiguous cache."""

    def q_and_cache(columns):
        return tensor("bf16", None, queries, heads, columns), tensor(
            "bf16", None, page, 1, columns)

    q, cache = q_and_cache(512 if rope else dim)
    q_rope, k_rope = q_and_cache(64)
    table = tensor("i32", None, None)
    out = tensor("bf16", None, queries, heads, 512)
    lse = f"memref<?x{queries}x{heads}xf32, strided<[?, ?, ?]>>"
    optional = ""
    if rope:
        optional += f" q_rope(%q_rope : {q_rope}) k_rope(%k_rope : {k_rope})"
    if page:
        optional += f" block_table(%table : {table})"
    return f"""
func.func @{name}(%q: {q}, %q_rope: {q_rope}, %cache: {cache}, %k_rope: {k_rope}, %table: {table},
    %lengths: memref<?xi32>, %scale: f32, %out: {out}, %lse: {lse}, %plan: memref<?x8xi32>) {{
  mla.decode ins(%q, %cache, %lengths, %scale : {q}, {cache}, memref<?xi32>){optional}
      outs(%out, %lse, %plan : {out}, {lse}, memref<?x8xi32>) {{causal = "{causal}"}}
  return
}}"""


def prefill(name, dims, causal, packed):
    q, out = (tensor("bf16", None, None, 4, dim) for dim in dims)
    k, v = (tensor("bf16", None, None, 2, dim) for dim in dims)
    lse = "memref<?x?x4xf32, strided<[?, ?, ?]>>"
    bounds = "".join(f" cu_seqlens_{x}(%bounds : memref<?xi32>)" for x in "qk" if packed)
    return f"""
func.func @{name}(%q: {q}, %k: {k}, %v: {v}, %scale: f32, %bounds: memref<?xi32>,
    %out: {out}, %lse: {lse}) {{
  mla.prefill ins(%q, %k, %v, %scale : {q}, {k}, {v}){bounds}
      outs(%out, %lse : {out}, {lse}) {{causal = "{causal}"}}
  return
}}"""


def print_sparse_prefill():
    variants = list(itertools.product((576, 512), (False, True), (False, True)))
    for heads in range(1, 129):
        dim, length, sink = variants[heads % len(variants)]
        print(sparse_prefill(f"h{heads}", heads, dim, None, length, sink))
    for heads, topk, dim in itertools.product((8, 64), (1, 32, 64, 65, 128, 129), (576, 512)):
        print(sparse_prefill(f"h{heads}_d{dim}_topk{topk}", heads, dim, topk, False, False))


def print_decode():
    pages = (1, 16, 64, 192, None)
    variants = list(itertools.product((576, 512), ("no", "yes"), (1, 3)))
    for heads in range(1, 129):
        dim, causal, queries = variants[heads % len(variants)]
        page, rope = pages[heads // 8 % len(pages)], dim == 576 and heads % 3 == 0
        print(decode(f"h{heads}", heads, dim, page, causal, queries, rope))


def print_prefill():
    for qk, v in itertools.product(range(16, 257, 16), repeat=2):
        number = (qk + v) // 16
        print(prefill(f"d{qk}_{v}", (qk, v), ("no", "yes")[number % 2], number % 4 > 1))


if sys.argv[1:] == ["decode"]:
    print_decode()
elif sys.argv[1:] == ["prefill"]:
    print_prefill()
else:
    print_sparse_prefill()
