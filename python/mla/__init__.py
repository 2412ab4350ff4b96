# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Multi-head latent attention on Hopper GPUs.

`flash_mla_sparse_fwd` is FlashMLA's function of that name, for torch tensors.
`sparse_prefill` takes the tensors of any library, results included. `combine`
merges the partial results of attention with split KV. A `Package` calls the kernels
of any package. `decode` and `plan_decode` are dense MLA decode over a paged cache.
`prefill` is dense attention over whole sequences, and `merge` joins its results over two
ranges of keys; `prefill_backward` is its gradient.

The functions of other packages, under their names, are in mla.flash_attention,
mla.flash_mla, mla.flashinfer and mla.transformer_engine.
"""

from ._errors import MLAError
from ._library import compile_options, use_packages
from ._package import Package
from .attention_gradients import prefill_backward
from .checking import checked
from .decoding import DecodePlan, decode, plan_decode
from .flash_mla import flash_mla_with_kvcache, get_mla_metadata
from .prefilling import prefill
from .sparse import flash_mla_sparse_fwd, sparse_prefill
from .split_kv import combine, merge

__version__ = "0.1.0"

__all__ = [
    "DecodePlan",
    "MLAError",
    "Package",
    "checked",
    "combine",
    "compile_options",
    "decode",
    "flash_mla_sparse_fwd",
    "flash_mla_with_kvcache",
    "get_mla_metadata",
    "merge",
    "plan_decode",
    "prefill",
    "prefill_backward",
    "sparse_prefill",
    "use_packages",
]
