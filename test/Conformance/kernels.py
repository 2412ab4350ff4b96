# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The conformance programs: their inputs and expected outputs.

Expected outputs are computed from the definitions of the ops (matrix products,
rows by index, zeros outside) in exact integers, without the compiler's maps of
elements to threads. Each .mlir file names the hardware whose own map anchors it
(TMA, wgmma).
"""

# Each module adds its programs to PROGRAMS.
import mma_kernels
import shared_kernels
import fragment_kernels
import copy_kernels
import sync_kernels
from programs import PROGRAMS

__all__ = ["PROGRAMS"]
