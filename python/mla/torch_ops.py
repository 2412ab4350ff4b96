# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package's functions as torch operators, which torch.compile, torch.export and
fake tensors see in place of a launch. Needs torch 2.4.

Importing this module registers torch.ops.mla.flash_mla_sparse_fwd and
torch.ops.mla.sparse_prefill. mla's functions import it when torch traces them, and
call the operators then; other calls go past torch's dispatcher. A program that
loads an exported graph, or names torch.ops.mla, imports it itself.
"""

import torch

from . import sparse
from ._tensor import describe_torch

# Other libraries may add to the namespace, hence a fragment. torch.library.custom_op
# would do the same at about three times the cost of a call.
_operators = torch.library.Library("mla", "FRAGMENT")


def _define(schema, implementation, fake):
    """Registers an operator and returns it."""
    name = schema[: schema.index("(")]
    # Inductor may not change the layouts that the caller chose: strides are
    # checked by the launch. Before torch 2.7 it could only be told of their order.
    layout = getattr(torch.Tag, "needs_exact_strides", torch.Tag.needs_fixed_stride_order)
    _operators.define(schema, tags=(torch.Tag.pt2_compliant_tag, layout))
    # For tensors of any device: the launch says what is wrong with them.
    _operators.impl(name, implementation, "CompositeExplicitAutograd")
    torch.library.register_fake(f"mla::{name}", fake, lib=_operators)
    return getattr(torch.ops.mla, name)


def _make(check_scale, run):
    """Both functions with the operators' signatures: `check_scale` looks at the scale
    under its argument's name, `run` takes tensors by name, scale and lse options."""

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


def _launch(given, scale, lse_options):
    sparse.launch(torch, given, scale, lse_options)


def _check(given, scale, lse_options):
    """Checks what a launch checks without addresses and a kernel. Of the sizes it
    looks only at those that kernels are compiled for: these become guards."""
    sparse.check({name: describe_torch(name, given[name]) for name in given})


_sparse_prefill, _flash_mla_sparse_fwd = _make(sparse.check_scale, _launch)
_fake_sparse_prefill, _fake_flash_mla_sparse_fwd = _make(sparse.check_positive, _check)

sparse_prefill = _define(
    "sparse_prefill(Tensor q, Tensor kv, Tensor indices, float scale, Tensor(a!) out, "
    "Tensor(b!) max_logits, Tensor(c!) lse, Tensor? topk_length=None, "
    "Tensor? attn_sink=None, str lse_base='e', str empty_lse='+inf') -> ()",
    _sparse_prefill,
    _fake_sparse_prefill,
)
flash_mla_sparse_fwd = _define(
    "flash_mla_sparse_fwd(Tensor q, Tensor kv, Tensor indices, float sm_scale, "
    "int d_v=512, Tensor? attn_sink=None, Tensor? topk_length=None, "
    "str lse_base='e', str empty_lse='+inf') -> (Tensor, Tensor, Tensor)",
    _flash_mla_sparse_fwd,
    _fake_flash_mla_sparse_fwd,
)
