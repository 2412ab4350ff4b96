# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Multi-head latent attention on Hopper GPUs.

`flash_mla_sparse_fwd` is FlashMLA's function of that name, for torch tensors.
`sparse_prefill` takes the tensors of any library, results included. `combine`
merges the partial results of attention with split KV. A `Package` calls the kernels
of any package.
"""

from ._errors import MLAError
from ._library import compile_options, use_packages
from ._package import Package
from .sparse import flash_mla_sparse_fwd, sparse_prefill
from .split_kv import combine

__version__ = "0.1.0"

__all__ = [
    "MLAError",
    "Package",
    "combine",
    "compile_options",
    "flash_mla_sparse_fwd",
    "sparse_prefill",
    "use_packages",
]
