# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package's functions as torch operators, which torch.compile, torch.export and
fake tensors see instead of a launch. Needs torch 2.4.

Importing this module registers these operators in torch.ops.mla:

    flash_mla_sparse_fwd, combine, mla_decode_attention, attention, attention_backward
                                         return new tensors
    sparse_prefill, combine_out, merge, plan_decode, decode, flashinfer_mla, prefill
                                         write tensors of the caller

mla's functions import it when torch traces them, and call the operators then; other
calls bypass torch's dispatcher. A program that loads an exported graph, or names
torch.ops.mla, imports it itself.
"""

import torch

from . import _cuda, flashinfer, prefilling, sparse, split_kv, transformer_engine
from . import _decode_kernels as decode_kernels
from ._torch_library import check_tensors, define
from .torch_autograd import attention, attention_backward, fake_run  # noqa: F401

# ------------------------------------------------------------------------------
# sparse_prefill
# ------------------------------------------------------------------------------


def _make_sparse(check_scale, run):
    """Both functions. check_scale(name, scale) checks the scale under its argument's
    name; run(given, scale, lse_options) takes tensors by name."""

    def sparse_prefill(
        q,
        kv,
        indices,
        scale,
        out,
        max_logits,
        lse,
        topk_length=None,
        attn_sink=None,
        lse_base="e",
        empty_lse="+inf",
    ):
        check_scale("scale", scale)
        sparse.check_lse_words(lse_base, empty_lse)
        results = out, max_logits, lse
        given = sparse.by_name(q, kv, indices, *results, topk_length, attn_sink)
        run(given, scale, (lse_base, empty_lse))

    def flash_mla_sparse_fwd(
        q,
        kv,
        indices,
        sm_scale,
        d_v=512,
        attn_sink=None,
        topk_length=None,
        lse_base="e",
        empty_lse="+inf",
    ):
        check_scale("sm_scale", sm_scale)
        results = sparse.make_results(torch, q, d_v)
        lse_options = lse_base, empty_lse
        sparse_prefill(
            q, kv, indices, sm_scale, *results, topk_length, attn_sink, *lse_options
        )
        return results

    return sparse_prefill, flash_mla_sparse_fwd


_sparse_prefill, _flash_mla_sparse_fwd = _make_sparse(
    sparse.check_scale,
    lambda given, scale, lse_options: sparse.launch(torch, given, scale, lse_options),
)
# A fake call may have a symbolic scale, which is no number.
_fake_sparse_prefill, _fake_flash_mla_sparse_fwd = _make_sparse(
    sparse.check_positive,
    lambda given, scale, lse_options: check_tensors(sparse.check, given),
)

sparse_prefill = define(
    "sparse_prefill(Tensor q, Tensor kv, Tensor indices, float scale, Tensor(a!) out, "
    "Tensor(b!) max_logits, Tensor(c!) lse, Tensor? topk_length=None, "
    "Tensor? attn_sink=None, str lse_base='e', str empty_lse='+inf') -> ()",
    _sparse_prefill,
    _fake_sparse_prefill,
)
flash_mla_sparse_fwd = define(
    "flash_mla_sparse_fwd(Tensor q, Tensor kv, Tensor indices, float sm_scale, "
    "int d_v=512, Tensor? attn_sink=None, Tensor? topk_length=None, "
    "str lse_base='e', str empty_lse='+inf') -> (Tensor, Tensor, Tensor)",
    _flash_mla_sparse_fwd,
    _fake_flash_mla_sparse_fwd,
)


# ------------------------------------------------------------------------------
# combine
# ------------------------------------------------------------------------------


def _make_combine(run):
    """Both functions; run(given, options) takes tensors by name."""

    def combine_out(
        partial_out,
        partial_lse,
        out,
        lse,
        num_splits=None,
        lse_base="e",
        empty_lse="+inf",
        empty_split="-inf",
    ):
        options = lse_base, empty_lse, empty_split
        split_kv.check_words(*options)
        given = split_kv.by_name(partial_out, partial_lse, out, lse, num_splits)
        run(given, options)

    def combine(
        partial_out,
        partial_lse,
        num_splits=None,
        lse_base="e",
        empty_lse="+inf",
        empty_split="-inf",
    ):
        results = split_kv.make_results(torch, partial_out)
        options = lse_base, empty_lse, empty_split
        combine_out(partial_out, partial_lse, *results, num_splits, *options)
        return results

    return combine_out, combine


_combine_out, _combine = _make_combine(
    lambda given, options: split_kv.launch(torch, given, options)
)
_fake_combine_out, _fake_combine = _make_combine(
    lambda given, options: check_tensors(split_kv.check, given)
)

combine_out = define(
    "combine_out(Tensor partial_out, Tensor partial_lse, Tensor(a!) out, "
    "Tensor(b!) lse, Tensor? num_splits=None, str lse_base='e', str empty_lse='+inf', "
    "str empty_split='-inf') -> ()",
    _combine_out,
    _fake_combine_out,
)
combine = define(
    "combine(Tensor partial_out, Tensor partial_lse, Tensor? num_splits=None, "
    "str lse_base='e', str empty_lse='+inf', str empty_split='-inf') "
    "-> (Tensor, Tensor)",
    _combine,
    _fake_combine,
)


merge = define(
    "merge(Tensor out_a, Tensor lse_a, Tensor out_b, Tensor lse_b, Tensor(a!) out, "
    "Tensor(b!) lse, str lse_base, str empty_lse) -> ()",
    split_kv.run_merge,
    split_kv.check_merge,
)


# ------------------------------------------------------------------------------
# prefill
# ------------------------------------------------------------------------------


def _make_prefill(check_scale, run):
    """run(given, scale, words) takes tensors by name."""

    def prefill(q, k, v, scale, out, lse, cu_seqlens_q, cu_seqlens_k, words):
        check_scale("scale", scale)
        given = prefilling.by_name(q, k, v, out, lse, cu_seqlens_q, cu_seqlens_k)
        run(given, scale, words)

    return prefill


prefill = define(
    "prefill(Tensor q, Tensor k, Tensor v, float scale, Tensor(a!) out, "
    "Tensor(b!) lse, Tensor? cu_seqlens_q, Tensor? cu_seqlens_k, str words) -> ()",
    _make_prefill(
        sparse.check_scale,
        lambda given, scale, words: prefilling.launch(torch, given, scale, words),
    ),
    _make_prefill(sparse.check_positive, fake_run(prefilling.check, prefilling.read_words)),
)


# ------------------------------------------------------------------------------
# decode
# ------------------------------------------------------------------------------

# torch.compile calls these while it traces; the number is a constant of the graph.
row_tiles = torch.compiler.assume_constant_result(decode_kernels.row_tiles)


@torch.compiler.assume_constant_result
def sm_count(index):
    """SMs of a device. A meta tensor is on none."""
    return 132 if index is None else _cuda.sm_count(index)


def _make_decode(check_scale, run_plan, run):
    """Both functions. run_plan(given, sizes, words, room) and run(given, scale, options)
    take tensors by name."""

    def plan_decode(cache_seqlens, plan, sizes, words, room):
        given = {"cache_seqlens": cache_seqlens, "plan": plan}
        run_plan(given, tuple(sizes), words, room)

    def decode(
        q,
        k_cache,
        block_table,
        cache_seqlens,
        plan,
        scale,
        out,
        lse,
        attn_sink,
        q_rope,
        k_rope,
        words,
        plan_batch,
        plan_sizes,
        plan_words,
    ):
        check_scale("scale", scale)
        given = decode_kernels.by_name(
            *(q, k_cache, block_table, cache_seqlens, attn_sink, q_rope, k_rope),
            *(out, lse, plan),
        )
        run(given, scale, (words, plan_batch, tuple(plan_sizes), plan_words))

    return plan_decode, decode


_plan_decode, _decode = _make_decode(
    sparse.check_scale,
    lambda given, *options: decode_kernels.launch_plan(torch, given, *options),
    lambda given, scale, options: decode_kernels.launch(torch, given, scale, options),
)
_fake_plan_decode, _fake_decode = _make_decode(
    sparse.check_positive,
    lambda given, *_: check_tensors(decode_kernels.check_plan_tensors, given),
    lambda given, scale, options: check_tensors(
        lambda tensors: decode_kernels.check(tensors, options[2]), given
    ),
)

plan_decode = define(
    "plan_decode(Tensor cache_seqlens, Tensor(a!) plan, int[] sizes, str words, "
    "SymInt room) -> ()",
    _plan_decode,
    _fake_plan_decode,
)
decode = define(
    "decode(Tensor q, Tensor k_cache, Tensor? block_table, Tensor cache_seqlens, "
    "Tensor plan, float scale, Tensor(a!) out, Tensor(b!) lse, Tensor? attn_sink, "
    "Tensor? q_rope, Tensor? k_rope, str words, SymInt plan_batch, int[] plan_sizes, "
    "str plan_words) -> ()",
    _decode,
    _fake_decode,
)


# ------------------------------------------------------------------------------
# The decode functions of other packages
# ------------------------------------------------------------------------------


def _fake_mla_decode_attention(
    q_nope_abs, q_rope, c_kv, k_rope, softmax_scale, is_causal
):
    sparse.check_positive("softmax_scale", softmax_scale)
    return transformer_engine.empty_result(q_nope_abs, q_rope, c_kv, k_rope)


mla_decode_attention = define(
    "mla_decode_attention(Tensor q_nope_abs, Tensor q_rope, Tensor c_kv, Tensor k_rope, "
    "float softmax_scale, bool is_causal) -> Tensor",
    transformer_engine.run,
    _fake_mla_decode_attention,
)
flashinfer_mla = define(
    "flashinfer_mla(Tensor q_nope, Tensor q_pe, Tensor ckv_cache, Tensor kpe_cache, "
    "Tensor table, Tensor lengths, Tensor plan, float sm_scale, Tensor(a!) out, "
    "Tensor(b!) lse, bool causal, str lse_base, int[] plan_sizes, str plan_words) -> ()",
    flashinfer.run,
    # The wrapper has checked the shapes.
    lambda *arguments: None,
)
