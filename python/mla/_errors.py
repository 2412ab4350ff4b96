# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package's own exception."""


class MLAError(RuntimeError):
    """A failure that is not the caller's: of the driver, a package, the compiler.
    `status` is the mlaStatus."""

    def __init__(self, status, message):
        # Both, so that the exception can be pickled: it may come from a worker.
        super().__init__(status, message)
        self.status = status

    def __str__(self):
        return self.args[1]
