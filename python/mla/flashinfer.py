# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A wrapper with the argument names of FlashInfer's for MLA, for torch tensors:

    from mla.flashinfer import BatchMLAPagedAttentionWrapper
"""

import math

from . import _decode_kernels as kernels
from . import decoding
from ._columns import check_parts, rope_of
from ._launch import must_trace
from ._tensor import torch_of


def _refuse(**arguments):
    for name, value in arguments.items():
        if value is not None and value is not False:
            got = "a tensor" if torch_of(value) is not None else repr(value)
            raise ValueError(
                f"{name}: expected None, which is all that is supported, got {got}"
            )


def query_length(qo_indptr):
    """Queries of a request, the same for all. `qo_indptr` is a list."""
    lengths = {end - begin for begin, end in zip(qo_indptr, qo_indptr[1:])}
    if len(lengths) > 1:
        raise ValueError(
            "qo_indptr: expected the same number of queries for every request, got "
            f"{min(lengths)} to {max(lengths)}"
        )
    return lengths.pop() if lengths else 1


def page_counts(kv_indptr, batch):
    """Pages of each request. `kv_indptr` is a list."""
    if len(kv_indptr) != batch + 1:
        raise ValueError(
            f"kv_indptr: expected {batch + 1} entries, one more than there are requests, "
            f"got {len(kv_indptr)}"
        )
    counts = [end - begin for begin, end in zip(kv_indptr, kv_indptr[1:])]
    if counts and min(counts) < 0:
        raise ValueError(
            f"kv_indptr: expected entries that do not decrease, got {min(counts)} pages "
            f"for request {counts.index(min(counts))}"
        )
    return counts


def fill_table(torch, table, kv_indptr, kv_indices):
    """Writes the pages of request r, kv_indices[kv_indptr[r] : kv_indptr[r + 1]], into
    row r of `table`, and pages that are not read behind them."""
    if kv_indices.shape[0] == 0:
        return
    begin = kv_indptr[:-1].to(table.device, torch.int64)
    column = torch.arange(table.shape[1], device=table.device)
    places = (begin[:, None] + column[None]).clamp_(max=kv_indices.shape[0] - 1)
    table.copy_(kv_indices.to(table.device)[places])


class BatchMLAPagedAttentionWrapper:
    """MLA over a paged cache, planned once a step: FlashInfer's class of this name, for
    batches whose requests all have the same number of queries, 1 to 16.

        wrapper = BatchMLAPagedAttentionWrapper(workspace)
        wrapper.plan(qo_indptr, kv_indptr, kv_indices, kv_len_arr, num_heads, 512, 64,
                     page_size, causal, sm_scale, torch.bfloat16, torch.bfloat16)
        out = wrapper.run(q_nope, q_pe, cache[..., :512], cache[..., 512:])

    Args of the constructor:
        float_workspace_buffer: a tensor on the device; its memory is not used, since
            torch allocates the workspace of each call
        use_cuda_graph: whether plan() keeps its results at the same addresses, so that a
            captured run() uses the newest plan. The batch size may not change then
        qo_indptr, kv_indptr, kv_len_arr: not used: the wrapper has buffers of its own
        kv_indices: with use_cuda_graph, a tensor whose size is the most pages that all
            requests may have together. A table of batch times so many entries is kept
        backend: "auto", "fa2" or "fa3", which make no difference

    Source: flashinfer/mla of flashinfer-ai/flashinfer.
    """

    def __init__(
        self,
        float_workspace_buffer,
        use_cuda_graph=False,
        qo_indptr=None,
        kv_indptr=None,
        kv_indices=None,
        kv_len_arr=None,
        backend="auto",
    ):
        if torch_of(float_workspace_buffer) is None:
            raise TypeError(
                "float_workspace_buffer: expected a torch tensor, got "
                f"{type(float_workspace_buffer).__name__}"
            )
        if backend not in ("auto", "fa2", "fa3"):
            raise ValueError(f"backend: expected auto, fa2 or fa3, got {backend}")
        if use_cuda_graph and kv_indices is None:
            raise ValueError("kv_indices: expected a tensor with use_cuda_graph, got None")
        self.device = float_workspace_buffer.device
        self._use_cuda_graph = use_cuda_graph
        self._most_pages = kv_indices.shape[0] if use_cuda_graph else None
        self._plan = None

    def plan(
        self,
        qo_indptr,
        kv_indptr,
        kv_indices,
        kv_len_arr,
        num_heads,
        head_dim_ckv,
        head_dim_kpe,
        page_size,
        causal,
        sm_scale,
        q_data_type,
        kv_data_type,
        use_profiler=False,
    ):
        """Plans a step, on torch's current stream. Waits for the device, which FlashInfer
        does too, unless qo_indptr and kv_indptr are on the CPU.

        Args:
            qo_indptr: [b + 1], int32: where the queries of each request begin
            kv_indptr: [b + 1], int32: where its pages begin in kv_indices
            kv_indices: int32: pages
            kv_len_arr: [b], int32: tokens of each request
            num_heads: 1 to 128
            head_dim_ckv, head_dim_kpe: 512; 64 or 0
            page_size: a power of two up to 256 or a multiple of 64
            causal: whether queries attend only to tokens up to their own
            sm_scale: multiplies the scores; above 0
            q_data_type, kv_data_type: torch.bfloat16 or torch.float16, both the same
            use_profiler: can only be False

        Raises TypeError and ValueError, which name the argument, what was expected and
        what came.
        """
        _refuse(use_profiler=use_profiler)
        if kv_data_type != q_data_type:
            raise TypeError(
                f"kv_data_type: expected {q_data_type}, as q_data_type, got {kv_data_type}"
            )
        if not sm_scale > 0:
            raise ValueError(f"sm_scale: expected a value above 0, got {sm_scale}")
        qo_indptr = qo_indptr.tolist()
        s_q, batch = query_length(qo_indptr), len(qo_indptr) - 1
        names = {"s_q": "qo_indptr: queries of a request", "h_q": "num_heads"}
        names.update(d_qk="head_dim_ckv", d_rope="head_dim_kpe", d_v="head_dim_ckv")
        sizes = (s_q, num_heads, 1, head_dim_ckv, head_dim_ckv, page_size)
        kernels.check_sizes(sizes, names, head_dim_kpe)
        counts = page_counts(kv_indptr.tolist(), batch)
        torch = torch_of(kv_indices)
        lengths = kv_len_arr.to(self.device, torch.int32)
        old = self._plan if self._use_cuda_graph else None
        self._allocate_table(torch, batch, max([1, *counts]))
        fill_table(torch, self._table, kv_indptr, kv_indices)
        if old is not None:
            self._lengths.copy_(lengths)
        else:
            self._lengths = lengths.clone() if self._use_cuda_graph else lengths
        self._plan = decoding.plan_decode(
            self._lengths,
            *sizes[:2],
            d_qk=head_dim_ckv,
            d_rope=head_dim_kpe,
            page_size=page_size,
            dtype=q_data_type,
            causal=causal,
            lse_base=2,
            empty_lse=-math.inf,
            plan=None if old is None else old.plan,
        )
        self._causal, self._scale, self._dtype = bool(causal), sm_scale, q_data_type

    def _allocate_table(self, torch, batch, most):
        if self._use_cuda_graph:
            if most > self._most_pages:
                raise ValueError(
                    f"kv_indptr: expected at most {self._most_pages} pages of a request, "
                    f"as the wrapper's kv_indices has, got {most}"
                )
            most = self._most_pages
            if self._plan is not None:
                planned = self._table.shape[0]
                if planned != batch:
                    raise ValueError(
                        f"qo_indptr: expected {planned} requests, as before, since "
                        f"use_cuda_graph keeps their number, got {batch}"
                    )
                return
        self._table = torch.zeros((batch, most), dtype=torch.int32, device=self.device)

    def run(
        self,
        q_nope,
        q_pe,
        ckv_cache,
        kpe_cache,
        out=None,
        lse=None,
        return_lse=False,
        profiler_buffer=None,
        kv_len=None,
        page_table=None,
        return_lse_base_on_e=False,
        o_scale=None,
        *,
        ckv_scale=None,
        ckv_scale_arr=None,
        kpe_scale=None,
    ):
        """Attention of the planned batch.

        Args:
            q_nope, q_pe: [queries, num_heads, 512], [queries, num_heads, 64 or 0]
            ckv_cache, kpe_cache: [num_pages, page_size, 512], [num_pages, page_size, 64
                or 0]; as q_nope and q_pe, columns of one tensor or not
            out: [queries, num_heads, 512]. None: it is allocated
            lse: [queries, num_heads], float32. None: it is allocated
            return_lse: whether to return (out, lse) instead of out
            return_lse_base_on_e: whether lse is a natural logarithm, instead of one to
                base 2
            profiler_buffer, kv_len, page_table, o_scale, ckv_scale, ckv_scale_arr,
                kpe_scale: can only be None

        A query that attends to no token gets out = 0 and lse = -inf. Under torch.compile
        it is the operator mla::flashinfer_mla.

        Raises TypeError and ValueError, which name the argument, what was expected and
        what came.
        """
        _refuse(
            profiler_buffer=profiler_buffer,
            kv_len=kv_len,
            page_table=page_table,
            o_scale=o_scale,
            ckv_scale=ckv_scale,
            ckv_scale_arr=ckv_scale_arr,
            kpe_scale=kpe_scale,
        )
        if self._plan is None:
            raise ValueError("plan: expected a call of plan() before run(), got none")
        check_parts("q_nope", q_nope, "q_pe", q_pe, 3)
        check_parts("ckv_cache", ckv_cache, "kpe_cache", kpe_cache, 3)
        for name, tensor in (("q_nope", q_nope), ("ckv_cache", ckv_cache)):
            if tensor.dtype != self._dtype:
                raise TypeError(
                    f"{name}: expected {self._dtype}, as planned, got {tensor.dtype}"
                )
        torch = torch_of(q_nope)
        rows = self._table.shape[0] * self._plan.sizes[0]
        expected = (rows, self._plan.sizes[1])
        if tuple(q_nope.shape[:2]) != expected:
            raise ValueError(
                f"q_nope: expected shape {(*expected, 512)}, as planned, got "
                f"{tuple(q_nope.shape)}"
            )
        if out is None:
            out = q_nope.new_empty(tuple(q_nope.shape))
        if lse is None:
            lse = q_nope.new_empty(expected, dtype=torch.float32)
        arguments = (
            *(q_nope, q_pe, ckv_cache, kpe_cache, self._table, self._lengths),
            *(self._plan.plan, self._scale, out, lse, self._causal),
            *("e" if return_lse_base_on_e else "2", self._plan.sizes, self._plan.words),
        )
        if must_trace(torch, q_nope):
            from . import torch_ops

            torch_ops.flashinfer_mla(*arguments)
        else:
            run(*arguments)
        return (out, lse) if return_lse else out


def run(
    q_nope,
    q_pe,
    ckv_cache,
    kpe_cache,
    table,
    lengths,
    plan,
    sm_scale,
    out,
    lse,
    causal,
    lse_base,
    plan_sizes,
    plan_words,
):
    """BatchMLAPagedAttentionWrapper.run where torch does not trace."""
    shape = table.shape[0], plan_sizes[0]
    q_rope, k_rope = rope_of(q_pe), rope_of(kpe_cache)
    decoding.decode(
        q_nope.unflatten(0, shape),
        ckv_cache.unsqueeze(2),
        table,
        lengths,
        sm_scale,
        q_rope=None if q_rope is None else q_rope.unflatten(0, shape),
        k_rope=None if k_rope is None else k_rope.unsqueeze(2),
        plan=decoding.DecodePlan(plan, shape[0], tuple(plan_sizes), plan_words),
        causal=causal,
        lse_base=2 if lse_base == "2" else lse_base,
        empty_lse=-math.inf,
        out=out.unflatten(0, shape),
        lse=lse.unflatten(0, shape),
    )
