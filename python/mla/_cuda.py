# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls of the CUDA driver other than launches: the device of a pointer, and the
current context."""

import ctypes
import functools
import os
import threading
from ctypes import byref, c_int, c_uint64, c_void_p

from ._abi import DRIVER_ERROR, NO_DRIVER
from ._errors import MLAError

_POINTER_DEVICE_ORDINAL = 9
_MULTIPROCESSOR_COUNT = 16


class _Driver:
    def __init__(self):
        try:
            self._dll = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise MLAError(NO_DRIVER, f"no driver: {error}") from None
        self._contexts = {}
        self._lock = threading.Lock()
        self.call("cuInit", 0)

    def call(self, name, *arguments):
        result = getattr(self._dll, name)(*arguments)
        if result:
            text = ctypes.c_char_p()
            self._dll.cuGetErrorString(result, byref(text))
            reason = text.value.decode() if text.value else "unknown error"
            raise MLAError(
                DRIVER_ERROR, f"driver error: {name} failed: {reason} ({result})"
            )

    def primary_context(self, ordinal):
        """The context that torch and the CUDA runtime use; it is never released."""
        context = self._contexts.get(ordinal)
        if context is None:
            with self._lock:
                device, made = c_int(), c_void_p()
                self.call("cuDeviceGet", byref(device), ordinal)
                self.call("cuDevicePrimaryCtxRetain", byref(made), device)
                context = self._contexts[ordinal] = made.value
        return context


_driver = None
_driver_lock = threading.Lock()
_forked = False


def _get():
    global _driver
    if _driver is None:
        with _driver_lock:
            if _forked:
                raise MLAError(
                    NO_DRIVER,
                    "no driver: this process was forked after the CUDA driver was "
                    "opened, which CUDA does not survive: fork earlier, or use "
                    "multiprocessing's 'spawn' or 'forkserver'",
                )
            if _driver is None:
                _driver = _Driver()
    return _driver


def _after_fork():
    """Called in a forked child: threads of the parent may have held the lock."""
    global _driver, _driver_lock, _forked
    _forked = _forked or _driver is not None
    _driver, _driver_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class device_guard:
    """A context manager in which the primary context of a device is current."""

    def __init__(self, ordinal):
        self._ordinal = ordinal

    def __enter__(self):
        driver, current = _get(), c_void_p()
        context = driver.primary_context(self._ordinal)
        driver.call("cuCtxGetCurrent", byref(current))
        # A context of the caller on that device stays current.
        self._pushed = current.value != context and not self._is_on_device(current)
        if self._pushed:
            driver.call("cuCtxPushCurrent_v2", c_void_p(context))

    def _is_on_device(self, current):
        device = c_int()
        if not current.value:
            return False
        _get().call("cuCtxGetDevice", byref(device))
        return device.value == self._ordinal

    def __exit__(self, *_):
        if self._pushed:
            _get().call("cuCtxPopCurrent_v2", byref(c_void_p()))


def device_of(pointer):
    """The ordinal of the device that the memory at `pointer` is on."""
    ordinal = c_int()
    _get().call(
        "cuPointerGetAttribute",
        byref(ordinal),
        _POINTER_DEVICE_ORDINAL,
        c_uint64(pointer),
    )
    return ordinal.value


@functools.lru_cache(maxsize=None)
def sm_count(ordinal):
    """SMs of a device."""
    driver, device, count = _get(), c_int(), c_int()
    driver.call("cuDeviceGet", byref(device), ordinal)
    driver.call("cuDeviceGetAttribute", byref(count), _MULTIPROCESSOR_COUNT, device)
    return count.value


def synchronize(stream):
    _get().call("cuStreamSynchronize", c_void_p(stream))


def is_capturing(stream):
    """Whether the stream captures a graph."""
    status = c_int()
    _get().call("cuStreamIsCapturing", c_void_p(stream), byref(status))
    return status.value != 0


def copy_to_host(array, pointer):
    """Fills a ctypes array from the device memory at `pointer`, of the current context."""
    size = ctypes.c_size_t(ctypes.sizeof(array))
    _get().call("cuMemcpyDtoH_v2", array, c_uint64(pointer), size)
