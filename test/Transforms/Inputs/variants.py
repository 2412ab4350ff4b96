"""Writes an attention operator in all its variants, a function each: every number of
heads and both head dimensions. mla.sparse_prefill: with and without topk_length and
attn_sink, and tiles that a static topk makes few enough for loops to fold away.
mla.decode: both masks, one query and several, and pages of all kinds.

usage: variants.py [sparse_prefill|decode]
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


def decode(name, heads, dim, page, causal, queries):
    q = tensor("bf16", None, queries, heads, dim)
    cache = tensor("bf16", None, page, 1, dim)
    table = tensor("i32", None, None)
    out = tensor("bf16", None, queries, heads, 512)
    lse = f"memref<?x{queries}x{heads}xf32, strided<[?, ?, ?]>>"
    return f"""
func.func @{name}(%q: {q}, %cache: {cache}, %table: {table}, %lengths: memref<?xi32>,
    %scale: f32, %out: {out}, %lse: {lse}, %plan: memref<?x8xi32>) {{
  mla.decode ins(%q, %cache, %table, %lengths, %scale : {q}, {cache}, {table}, memref<?xi32>)
      outs(%out, %lse, %plan : {out}, {lse}, memref<?x8xi32>) {{causal = "{causal}"}}
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
    pages = (1, 16, 64, 192)
    variants = list(itertools.product((576, 512), ("no", "yes"), (1, 3)))
    for heads in range(1, 129):
        dim, causal, queries = variants[heads % len(variants)]
        print(decode(f"h{heads}", heads, dim, pages[heads // 8 % 4], causal, queries))


if sys.argv[1:] == ["decode"]:
    print_decode()
else:
    print_sparse_prefill()
