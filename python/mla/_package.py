# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls of kernel packages whose arguments only the package knows."""

import numbers

from . import _launch
from ._abi import PHASES
from ._launch import Launch
from ._kernel import is_integer
from ._library import library
from ._tensor import common_device, torch_of


class Package:
    """The kernels of one package, of any operator or none.

        package = mla.Package("folder")
        package(a=a, b=b, out=out)

    arguments: names of the arguments, in the order of the package
    optional: names of those that a call may leave out

    Raises MLAError if there is no package in the folder, or if it is damaged or of
    another version.
    """

    def __init__(self, folder):
        self._kernel = library().load(folder)
        self.arguments = tuple(self._kernel.arguments)
        self.optional = frozenset(self._kernel.optional)

    def __call__(self, *, stream=None, workspace=None, phase="all", **arguments):
        """Launches the kernels in order.

        Args:
            stream: a CUstream as a number, or a stream object of torch, CuPy or
                Numba. None: torch's current stream if the first tensor is torch's,
                else the default stream
            workspace: contiguous device memory of any dtype, aligned to 256 bytes,
                of at least workspace_bytes(). None: torch allocates it if the
                first tensor is torch's, and it is valid for this call only
            phase: the kernels to launch: "all"; "plan", which prepares the workspace;
                or "launch", which uses what "plan" has left there
            arguments: by the names of the package: tensors from any library (torch,
                DLPack, __cuda_array_interface__), on one CUDA device, with the
                shapes, dtypes and strides of the package; numbers for scalars

        Returns without waiting for the kernels: the tensors and the workspace must
        live until the stream has executed them. May be captured in a CUDA graph once
        the package has been launched on that device.

        Raises TypeError and ValueError, which name the argument, what was expected
        and what came; MLAError for failures of the driver.
        """
        if phase not in PHASES:
            expected = " or ".join(map(repr, PHASES))
            raise ValueError(f"phase: expected {expected}, got {phase!r}")
        torch, tensors, scalars = self._split(arguments)
        _launch.launch(
            torch,
            self._make,
            tensors,
            tuple(scalars),
            tuple(scalars.values()),
            stream,
            workspace,
            phase,
        )

    def workspace_bytes(self, **arguments):
        """Bytes of device memory that a call with these arguments needs besides them;
        0 for most packages. Raises the errors of a call."""
        torch, tensors, scalars = self._split(arguments)
        found, addresses = _launch.find_launch(
            torch, self._make, tensors, tuple(scalars)
        )
        return found.workspace_bytes([*addresses, *scalars.values()])

    def _split(self, arguments):
        """The module torch if the first tensor is one of its, tensors, and scalars."""
        known = self._kernel.arguments
        missing = [n for n in known if n not in arguments and n not in self.optional]
        unknown = [n for n in arguments if n not in known]
        if missing or unknown:
            raise TypeError(
                f"arguments: expected {', '.join(known)}, got {', '.join(arguments)}"
            )
        tensors, scalars = {}, {}
        for name, info in known.items():
            if name not in arguments:
                continue
            value = arguments[name]
            if info.isTensor:
                tensors[name] = value
                continue
            kind = numbers.Integral if is_integer(info) else numbers.Real
            if not isinstance(value, kind):
                word = "an integer" if is_integer(info) else "a number"
                raise TypeError(f"{name}: expected {word}, got {type(value).__name__}")
            scalars[name] = value
        return torch_of(next(iter(tensors.values()))), tensors, scalars

    def _make(self, tensors, scalars):
        values = {**tensors, **dict.fromkeys(scalars, 0)}
        return Launch(common_device(tensors), self._kernel, values)
