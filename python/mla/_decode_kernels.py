# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels of decode: their choice, what is checked of a call, their launches."""

from . import _launch
from ._abi import DTYPES, DYNAMIC, MAX_RANK
from ._launch import Launch
from ._library import library
from ._operator import operator
from ._tensor import Tensor, contiguous_strides

OPERATOR = operator("decode")


# ------------------------------------------------------------------------------
# Kernels
# ------------------------------------------------------------------------------


def _yes_no(flag):
    """Not a tuple's element: torch.compile refuses to index by a bool."""
    return "yes" if flag else "no"


def call_words(causal, lse_base, empty_lse):
    """The options of a call that are not in its tensors or its plan; the last two are
    the library's words."""
    return f"causal={_yes_no(causal)} lse_base={lse_base} empty_lse={empty_lse}"


def kernel_words(
    of_call, dtype="bf16", attn_sink=False, batch_invariant=False, rope=False
):
    """The properties of a kernel besides its sizes, as one string; `of_call` are
    call_words. `rope`: whether q_rope and k_rope are tensors of their own."""
    return (
        f"dtype={dtype} attn_sink={_yes_no(attn_sink)} {of_call} "
        f"batch_invariant={_yes_no(batch_invariant)} rope={_yes_no(rope)}"
    )


def _shape_class(sizes, words):
    fields = dict(word.split("=") for word in words.split(" "))
    fields["q_rope"] = fields["k_rope"] = fields.pop("rope") == "yes"
    fields["attn_sink"] = fields["attn_sink"] == "yes"
    named = dict(zip(OPERATOR.static, sizes))
    fields["block_table"] = named["page_size"] != DYNAMIC
    return OPERATOR.shape_class(**named, **fields)


def _is_batch_invariant(words):
    return "batch_invariant=yes" in words


def _find_kernel(sizes, words, b=0, num_pages=0, max_pages=0, ctas=1):
    """`sizes`: s_q, h_q, h_kv, d_qk, d_v and page_size, DYNAMIC for a contiguous
    cache."""
    run_time = OPERATOR.sizes(b=b, num_pages=num_pages, max_pages=max_pages, ctas=ctas)
    return library().kernel(_shape_class(sizes, words), run_time)


def _tiles(kernel):
    """Row tiles of a request: the CTAs that work on one part of a plan. A plan for one
    CTA has one part."""
    return kernel.grid("launch", {"ctas": 1})


def row_tiles(sizes, words):
    """Tiles that the s_q * h_q rows of a request are divided into by the kernel of these
    properties, which is compiled if need be."""
    return _tiles(_find_kernel(sizes, words))


# ------------------------------------------------------------------------------
# Checks
# ------------------------------------------------------------------------------


def _check_range(what, limits, got):
    if not limits["least"] <= got <= limits["most"]:
        raise ValueError(
            f"{what}: expected {limits['least']} to {limits['most']}, got {got}"
        )


def check_sizes(sizes, names=None, d_rope=0):
    """Checks the sizes that kernels are compiled for, and the columns of separate
    tensors, 0 without these. `names`: what an error calls them."""
    s_q, h_q, h_kv, d_qk, d_v, page_size = sizes
    called = names or {}
    limits = OPERATOR.table["sizes"]
    _check_range(called.get("s_q", "s_q"), limits["s_q"], s_q)
    _check_range(called.get("h_q", "h_q"), limits["h_q"], h_q)
    if h_kv < 1 or h_q % h_kv:
        raise ValueError(
            f"{called.get('h_kv', 'h_kv')}: expected a divisor of the {h_q} query "
            f"heads, got {h_kv}"
        )
    if d_rope not in (0, 64):
        raise ValueError(f"{called.get('d_rope', 'd_rope')}: expected 64, got {d_rope}")
    if d_qk != 512 and (d_rope or d_qk != 576):
        expected = f"512 with {d_rope} further columns" if d_rope else "512 or 576"
        raise ValueError(f"{called.get('d_qk', 'd_qk')}: expected {expected}, got {d_qk}")
    if d_v != 512:
        raise ValueError(f"{called.get('d_v', 'd_v')}: expected 512, got {d_v}")
    if page_size == DYNAMIC:
        return
    is_power = page_size > 0 and page_size & (page_size - 1) == 0
    if not (is_power and page_size <= 256) and (page_size <= 0 or page_size % 64):
        raise ValueError(
            f"{called.get('page_size', 'page_size')}: expected a power of two up to "
            f"256 or a multiple of 64, got {page_size}"
        )


_NAMES_IN_TENSORS = {
    "s_q": "q: queries of a request in dimension 1",
    "h_q": "q: heads in dimension 2",
    "h_kv": "k_cache: heads in dimension 2",
    "d_qk": "q: size of dimension 3",
    "d_rope": "q_rope: size of dimension 3",
    "d_v": "out: size of dimension 3",
    "page_size": "k_cache: page size in dimension 1",
}


def check_call_sizes(q, k_cache, d_v, q_rope=None, is_paged=True):
    """Checks and returns s_q, h_q, h_kv, d_qk, d_v, page_size of a call with tensors of
    the right rank."""
    page_size = k_cache.shape[1] if is_paged else DYNAMIC
    sizes = q.shape[1], q.shape[2], k_cache.shape[2], q.shape[3], d_v, page_size
    check_sizes(sizes, _NAMES_IN_TENSORS, 0 if q_rope is None else q_rope.shape[3])
    return sizes


def check_pair(q_rope, k_rope):
    """Checks that both are given, or neither."""
    if (q_rope is None) != (k_rope is None):
        given, missing = ("q_rope", "k_rope") if k_rope is None else ("k_rope", "q_rope")
        raise ValueError(f"{missing}: expected a tensor beside {given}, got None")


def _check_plan_sizes(sizes, made_for):
    """Checks s_q, h_q and h_kv of a call against those of its plan. Only the products
    of s_q and h_q count."""
    (s_q, h_q, h_kv), (planned_s_q, planned_h_q, planned_h_kv) = sizes, made_for
    if (s_q * h_q, h_kv) != (planned_s_q * planned_h_q, planned_h_kv):
        raise ValueError(
            f"plan: expected one for s_q = {s_q}, h_q = {h_q}, h_kv = {h_kv}, as the "
            f"call has, got one for {planned_s_q}, {planned_h_q}, {planned_h_kv}"
        )


def check(tensors, plan_sizes):
    """Checks what the choice of a kernel depends on, of tensors by name, which may be
    fake. Returns the device's ordinal."""
    device = OPERATOR.check(tensors)
    _check_plan_sizes(_sizes_of(tensors)[:3], plan_sizes[:3])
    return device


def _sizes_of(tensors):
    """Checks and returns s_q, h_q, h_kv, d_qk, d_v, page_size of a call."""
    check_pair(tensors.get("q_rope"), tensors.get("k_rope"))
    return check_call_sizes(
        tensors["q"],
        tensors["k_cache"],
        tensors["out"].shape[3],
        tensors.get("q_rope"),
        "block_table" in tensors,
    )


def check_plan_tensors(tensors):
    """Checks the tensors of plan_decode, which may be fake. Returns the device's
    ordinal."""
    return OPERATOR.check(tensors)


def _check_batch(name, batch, got):
    if got != batch:
        raise ValueError(
            f"{name}: expected one for {batch} requests, as q has, got one for {got}"
        )


# ------------------------------------------------------------------------------
# Launches
# ------------------------------------------------------------------------------


def _stand_in(operand, sizes):
    """A tensor of which a launch of the plan reads only the sizes."""
    shape = tuple(sizes[dim] for dim in operand["dims"])
    padding = (0,) * (MAX_RANK - len(shape))
    dtype = DTYPES.index(operand["elements"][0])
    strides = contiguous_strides(shape) + padding
    return Tensor(0, dtype, len(shape), shape + padding, strides, None)


def _make_plan(tensors, options):
    sizes, words, room = options
    device = check_plan_tensors(tensors)
    batch, ctas = tensors["cache_seqlens"].shape[0], tensors["plan"].shape[0]
    all_sizes = dict(zip(OPERATOR.static, sizes))
    all_sizes.update(b=batch, num_pages=0, max_pages=room, ctas=ctas)
    if all_sizes["page_size"] == DYNAMIC:
        all_sizes.update(num_pages=batch, page_size=room, max_pages=0)
    run_time = {size: all_sizes[size] for size in OPERATOR.sizes._fields}
    kernel = _find_kernel(sizes, words, **run_time)
    for size, limits in OPERATOR.table["sizes"].items():
        all_sizes.setdefault(size, limits["least"])
    shape_class = _shape_class(sizes, words)
    values = dict(tensors)
    for name, operand in OPERATOR.table["operands"].items():
        if name in tensors or operand["optional"] and not getattr(shape_class, name):
            continue
        if not operand["dims"]:
            values[name] = 1.0
            continue
        elements = operand["elements"]
        if operand["variable"]:
            elements = [getattr(shape_class, operand["variable"])]
        values[name] = _stand_in({**operand, "elements": elements}, all_sizes)
    # The plan is in a tensor of the caller; only later phases use the workspace.
    return Launch(device, kernel, values, workspace_bytes=0)


def launch_plan(torch, given, sizes, words, room, stream=None):
    """Launches the phase "plan" on the tensors `given`, by name: cache_seqlens, plan.
    `room`: what a request has room for, pages or, without pages, tokens."""
    options = sizes, words, room
    _launch.launch(torch, _make_plan, given, options, stream=stream, phase="plan")


def _make(tensors, options):
    of_call, plan_batch, plan_sizes, plan_words = options
    device = check(tensors, plan_sizes)
    batch = tensors["q"].shape[0]
    _check_batch("plan", batch, plan_batch)
    _check_batch("cache_seqlens", batch, tensors["cache_seqlens"].shape[0])
    sizes = _sizes_of(tensors)
    if sizes[0] == 1:
        # As in plan_decode.
        of_call = of_call.replace("causal=yes", "causal=no")
    words = kernel_words(
        *(of_call, DTYPES[tensors["q"].dtype], "attn_sink" in tensors),
        *(_is_batch_invariant(plan_words), "k_rope" in tensors),
    )
    run_time = OPERATOR.sizes_of(tensors)._asdict()
    kernel = _find_kernel(sizes, words, **run_time)
    if (plan_sizes, plan_words) != (sizes, words):
        planner = _find_kernel(plan_sizes, plan_words, **run_time)
        expected, got = _tiles(kernel), _tiles(planner)
        if expected != got:
            raise ValueError(
                f"plan: expected one for {expected} row tiles, as the kernel of {sizes} "
                f"and '{words}' has, got one for {got}, of {plan_sizes} and "
                f"'{plan_words}'"
            )
    return Launch(device, kernel, {**tensors, "scale": 0.0})


def by_name(
    q, k_cache, block_table, cache_seqlens, attn_sink, q_rope, k_rope, out, lse, plan
):
    """The tensors of a call; an optional one only if it is given."""
    given = {
        "q": q,
        "q_rope": q_rope,
        "k_cache": k_cache,
        "k_rope": k_rope,
        "block_table": block_table,
        "cache_seqlens": cache_seqlens,
        "attn_sink": attn_sink,
        "out": out,
        "lse": lse,
        "plan": plan,
    }
    return {name: tensor for name, tensor in given.items() if tensor is not None}


def launch(torch, given, scale, options, stream=None, workspace=None):
    """Launches the phase "launch" on the tensors `given`, by name. `options`:
    call_words; batch, sizes and words of the plan."""
    _launch.launch(
        torch, _make, given, options, (scale,), stream, workspace, "launch", False
    )
