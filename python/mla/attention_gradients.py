# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The gradients of dense attention over whole sequences."""

from . import _launch, prefilling
from ._launch import Launch, must_trace
from ._library import library
from ._operator import operator
from ._tensor import torch_of
from .sparse import check_scale, lse_words, option_word

OPERATOR = operator("prefill_backward")

# ------------------------------------------------------------------------------
# Checks
# ------------------------------------------------------------------------------


def by_name(dout, q, k, v, out, lse, dlse, dq, dk, dv, cu_seqlens_q, cu_seqlens_k):
    """The tensors of a call; an optional one only if it is given."""
    given = {"q": q, "k": k, "v": v, "out": out, "dout": dout, "lse": lse}
    optional = {
        "dlse": dlse,
        "cu_seqlens_q": cu_seqlens_q,
        "cu_seqlens_k": cu_seqlens_k,
    }
    for name, tensor in optional.items():
        if tensor is not None:
            given[name] = tensor
    return {**given, "dq": dq, "dk": dk, "dv": dv}


def check(tensors):
    """Checks what the choice of a kernel depends on, of tensors by name, which may be
    fake. Returns the device's ordinal."""
    of_prefill = ("q", "k", "v", "out", "lse", "cu_seqlens_q", "cu_seqlens_k")
    prefilling.check({name: tensors[name] for name in of_prefill if name in tensors})
    device = OPERATOR.check(tensors)
    # Which of them have how many dimensions was checked above.
    shapes = {
        name: tuple(tensor.shape)[: 3 if name in ("lse", "dlse") else 4]
        for name, tensor in tensors.items()
    }
    rows = shapes["out"][:3]
    for name, of, wanted in (
        ("lse", "out without its last dimension", rows),
        ("dlse", "lse", rows),
        ("dout", "out", shapes["out"]),
        ("dq", "q", shapes["q"]),
        ("dk", "k", shapes["k"]),
        ("dv", "v", shapes["v"]),
    ):
        if shapes.get(name, wanted) != wanted:
            raise ValueError(
                f"{name}: expected the shape of {of}, {wanted}, got {shapes[name]}"
            )
    return device


def call_words(causal, lse_base):
    """The options of a call as one string; the last is the library's word."""
    causal_word = "yes" if causal else "no"
    return f"causal={causal_word} lse_base={lse_base}"


def read_words(words):
    """Checks call_words, or those of prefill, and returns the values of this operator's
    options in the order of its table."""
    fields = dict(word.partition("=")[::2] for word in words.split(" "))
    names = list(OPERATOR.table["options"])
    if list(fields)[: len(names)] != names:
        raise ValueError(f"words: expected values of {', '.join(names)}, got '{words}'")
    option_word("causal", fields["causal"], {"no": "no", "yes": "yes"})
    option_word("lse_base", fields["lse_base"], {"e": "e", "2": "2"})
    return tuple(fields[name] for name in names)


def make_results(torch, inputs, is_packed):
    """Gradients with the order of dimensions in memory that each of `inputs` has. Rows
    of no sequence, which packed tensors may have, are not written: they are zeros."""
    make = torch.zeros_like if is_packed else torch.empty_like
    return tuple(make(like) for like in inputs)


# ------------------------------------------------------------------------------
# Launches
# ------------------------------------------------------------------------------


def _make(tensors, words):
    device = check(tensors)
    kernel = library().kernel(
        OPERATOR.shape_class_of(tensors, read_words(words)), OPERATOR.sizes_of(tensors)
    )
    return Launch(device, kernel, {**tensors, "scale": 0.0})


def launch(torch, given, scale, words, stream=None, workspace=None):
    """Launches on the tensors `given`, by name. `torch` is the module if q is one of its
    tensors, else None."""
    _launch.launch(torch, _make, given, words, (scale,), stream, workspace)


def with_rows(tensor):
    """The tensor of torch [b, s, h, d], or a copy, with strides that kernels take: a
    gradient may be expanded, as that of a sum is."""
    *strides, last = tensor.stride()
    units = 16 // tensor.element_size()
    isolated = all(
        stride > 0 and stride % units == 0
        for stride, size in zip(strides, tensor.shape)
        if size > 1
    )
    if last == 1 and isolated and tensor.data_ptr() % 16 == 0:
        return tensor
    return tensor.contiguous()


# ------------------------------------------------------------------------------
# prefill_backward
# ------------------------------------------------------------------------------


def prefill_backward(
    dout,
    q,
    k,
    v,
    out,
    lse,
    scale,
    *,
    dlse=None,
    cu_seqlens_q=None,
    cu_seqlens_k=None,
    causal=False,
    lse_base="e",
    dq=None,
    dk=None,
    dv=None,
    stream=None,
    workspace=None,
):
    """The gradients of prefill, the same to the bit from run to run.

    Tensors of torch that require a gradient do not need this function: prefill records
    its gradient itself. All tensors are on one CUDA device, from any library, with any
    strides except the last, which is 1; those of `lse` and `dlse` are any too.

    Args:
        dout: [b, s_q, h_q, d_v], the gradient of out
        q, k, v, scale, cu_seqlens_q, cu_seqlens_k, causal, lse_base: those of prefill
        out, lse: the results of prefill; `lse` may mark queries without keys by inf or
            -inf
        dlse: [b, s_q, h_q], float32: the gradient of lse, None for zeros
        dq: [b, s_q, h_q, d_qk], of q's type. None: torch allocates it
        dk: [b, s_kv, h_kv, d_qk], of q's type. None: torch allocates it
        dv: [b, s_kv, h_kv, d_v], of q's type. None: torch allocates it
        stream: as for prefill
        workspace: contiguous device memory of 8 b h_q s_q bytes, rounded up, aligned to
            256 bytes. None: torch allocates it if q is torch's

    Rows of no sequence of cu_seqlens are not written to dq, dk and dv that are given;
    those that torch allocates have zeros there. Results may not overlap each other or an
    input.
    Returns (dq, dk, dv) without waiting for the kernels. May be captured in a CUDA graph
    once a call of such sizes has been made on that device.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::attention_backward; `dq`, `dk`, `dv`, `stream` and `workspace` have to be None
    there.

    Raises TypeError and ValueError, which name the argument, what was expected and what
    came; MLAError for failures of the driver or the compiler.
    """
    words = call_words(causal, lse_words(lse_base, float("inf"))[0])
    torch = torch_of(q)
    bounds = cu_seqlens_q, cu_seqlens_k
    if must_trace(torch, q, dq=dq, dk=dk, dv=dv, stream=stream, workspace=workspace):
        from . import torch_autograd

        return torch_autograd.attention_backward(
            dout, dlse, q, k, v, out, lse, scale, *bounds, words
        )
    check_scale("scale", scale)
    results = dq, dk, dv
    if any(result is None for result in results):
        if torch is None:
            raise TypeError(
                "dq, dk, dv: expected tensors, got None; only torch allocates them"
            )
        made = make_results(torch, (q, k, v), cu_seqlens_q is not None)
        results = tuple(
            new if given is None else given for given, new in zip(results, made)
        )
    tensors = dout, q, k, v, out, lse, dlse, *results, *bounds
    launch(torch, by_name(*tensors), scale, words, stream, workspace)
    return results
