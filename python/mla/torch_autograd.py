# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense attention with a gradient as operators of torch: attention, which prefill and the
functions on top of it call where a gradient is required, and attention_backward.

They return new tensors, as the gradient of an operator of torch wants it.
"""

import torch

from . import attention_gradients, prefilling, sparse
from ._tensor import is_traced
from ._torch_library import check_tensors, define, operators

# ------------------------------------------------------------------------------
# The operators
# ------------------------------------------------------------------------------


def _make(check_scale, run, run_backward):
    """Both functions; the runs take tensors by name, the scale and the words."""

    def attention(q, k, v, scale, cu_seqlens_q, cu_seqlens_k, layout, words):
        check_scale("scale", scale)
        results = prefilling.make_results(torch, q, v, layout=layout)
        given = prefilling.by_name(q, k, v, *results, cu_seqlens_q, cu_seqlens_k)
        run(given, scale, words)
        return results

    def attention_backward(
        dout, dlse, q, k, v, out, lse, scale, cu_seqlens_q, cu_seqlens_k, words
    ):
        check_scale("scale", scale)
        dout = torch.zeros_like(out) if dout is None else dout
        results = attention_gradients.make_results(
            torch, (q, k, v), cu_seqlens_q is not None
        )
        tensors = dout, q, k, v, out, lse, dlse, *results, cu_seqlens_q, cu_seqlens_k
        run_backward(attention_gradients.by_name(*tensors), scale, words)
        return results

    return attention, attention_backward


def _launch_backward(given, scale, words):
    given["dout"] = attention_gradients.with_rows(given["dout"])
    attention_gradients.launch(torch, given, scale, words)


def fake_run(check, read_words):
    """Stands for a launch of prefill or of its backward on fake tensors."""

    def run(given, scale, words):
        read_words(words)
        check_tensors(check, given)

    return run


_attention, _attention_backward = _make(
    sparse.check_scale,
    lambda given, scale, words: prefilling.launch(torch, given, scale, words),
    _launch_backward,
)
# A fake call may have a symbolic scale, which is no number.
_fake_attention, _fake_attention_backward = _make(
    sparse.check_positive,
    fake_run(prefilling.check, prefilling.read_words),
    fake_run(attention_gradients.check, attention_gradients.read_words),
)

attention = define(
    "attention(Tensor q, Tensor k, Tensor v, float scale, Tensor? cu_seqlens_q, "
    "Tensor? cu_seqlens_k, str layout, str words) -> (Tensor, Tensor)",
    _attention,
    _fake_attention,
)
attention_backward = define(
    "attention_backward(Tensor? dout, Tensor? dlse, Tensor q, Tensor k, Tensor v, "
    "Tensor out, Tensor lse, float scale, Tensor? cu_seqlens_q, Tensor? cu_seqlens_k, "
    "str words) -> (Tensor, Tensor, Tensor)",
    _attention_backward,
    _fake_attention_backward,
)

# ------------------------------------------------------------------------------
# Gradients
# ------------------------------------------------------------------------------


def _save(ctx, inputs, output):
    q, k, v, scale, cu_seqlens_q, cu_seqlens_k, _, words = inputs
    # An unused result has no gradient, rather than one of zeros.
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(q, k, v, *output, cu_seqlens_q, cu_seqlens_k)
    ctx.scale, ctx.words = scale, words


def _differentiate(ctx, dout, dlse, choose=lambda *_: attention_backward):
    if dout is None and dlse is None:
        return (None,) * 8
    q, k, v, out, lse, cu_seqlens_q, cu_seqlens_k = ctx.saved_tensors
    gradients = choose(q, dout, dlse)(
        *(dout, dlse, q, k, v, out, lse, ctx.scale, cu_seqlens_q, cu_seqlens_k),
        ctx.words,
    )
    return *gradients, None, None, None, None, None


def _choose_backward(q, *gradients):
    """The operator refuses a second derivative, can be traced, and loops over batched
    gradients; else its implementation, which takes less time."""
    is_batched = torch._C._functorch.is_legacy_batchedtensor
    if (
        torch.is_grad_enabled()
        or is_traced(torch, q)
        or any(gradient is not None and is_batched(gradient) for gradient in gradients)
    ):
        return attention_backward
    return _attention_backward


def _refuse_second(ctx, *gradients):
    raise NotImplementedError(
        "mla::attention_backward: expected a first derivative of attention, got a request "
        "for the second (double backward), which is not supported"
    )


def _refuse_vmap(name):
    def refuse(*_):
        raise NotImplementedError(
            f"mla::{name}: expected a call outside of torch.func's transforms, got one "
            "inside torch.vmap, which is not supported"
        )

    return refuse


class Attention(torch.autograd.Function):
    """The operator attention where torch does not trace, in less of the host's time."""

    @staticmethod
    def forward(ctx, *inputs):
        results = _attention(*inputs)
        _save(ctx, inputs, results)
        return results

    @staticmethod
    def backward(ctx, dout, dlse):
        return _differentiate(ctx, dout, dlse, _choose_backward)


torch.library.register_autograd(
    "mla::attention", _differentiate, setup_context=_save, lib=operators
)
torch.library.register_autograd(
    "mla::attention_backward", _refuse_second, lib=operators
)
# Without it torch 2.5 and later would call the operator in a loop.
if hasattr(torch.library, "register_vmap"):
    for _name in ("attention", "attention_backward"):
        torch.library.register_vmap(f"mla::{_name}", _refuse_vmap(_name), lib=operators)
