# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface of mla/Runtime/Runtime.h and mla/JIT/JIT.h for ctypes.

lib/Runtime/Abi.cpp pins the layout of the runtime's structs; those of the JIT
carry their size.
"""

import ctypes
import struct
from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint64,
    c_void_p,
)

# The first versions with every function used here.
RUNTIME_VERSION = 10400
JIT_VERSION = 20000
MAX_RANK = 8
DYNAMIC = -1
NO_THRESHOLD = -1

SUCCESS, INVALID_ARGUMENT, NO_DRIVER, DRIVER_ERROR = 0, 1, 4, 8

# mlaPhase by its name in Python.
PHASES = {"all": 0, "plan": 1, "launch": 2}

DTYPES = ("bf16", "f16", "f32", "f64", "i8", "i32", "i64", "f8E4M3FN")

# One mlaArgument as struct packs it: a tensor's kind, reserved, data, dtype,
# rank, shape and strides; a scalar's kind, reserved and value.
TENSOR, FLOAT, INTEGER = 0, 1, 2
TENSOR_FORMAT = "iiQii8q8q"
FLOAT_FORMAT = "iid136x"
INTEGER_FORMAT = "iiq136x"
assert struct.calcsize(TENSOR_FORMAT) == 152
assert struct.calcsize(FLOAT_FORMAT) == struct.calcsize(INTEGER_FORMAT) == 152


class ArgumentInfo(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("isTensor", c_int32),
        ("dtype", c_int32),
        ("access", c_int32),
        ("rank", c_int32),
        ("alignment", c_int64),
        ("shape", c_int64 * MAX_RANK),
        ("sizeName", c_char_p * MAX_RANK),
        ("strides", c_int64 * MAX_RANK),
    ]


class KernelInfo(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("operatorName", c_char_p),
        ("target", c_char_p),
        ("compiler", c_char_p),
        ("argumentCount", c_int32),
        ("block", c_int32),
        ("cluster", c_int32),
        ("sharedBytes", c_int64),
    ]


class EntryInfo(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("grid", c_char_p),
        ("phase", c_int32),
        ("block", c_int32),
        ("cluster", c_int32),
        ("programmatic", c_int32),
        ("sharedBytes", c_int64),
    ]


class SizedStructure(ctypes.Structure):
    """One that begins with its size; fields that are not set are 0."""

    def __init__(self, **fields):
        super().__init__(ctypes.sizeof(self), **fields)


class LaunchOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("phase", c_int32),
        ("reserved", c_int32),
        ("workspace", c_uint64),
        ("workspaceBytes", c_uint64),
    ]


class NamedSize(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_int64)]


class NamedOption(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Operator(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("sizes", POINTER(NamedSize)),
        ("sizeCount", c_size_t),
        ("options", POINTER(NamedOption)),
        ("optionCount", c_size_t),
    ]


class Source(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("op", POINTER(Operator)),
        ("ir", c_char_p),
        ("irSize", c_size_t),
        ("irName", c_char_p),
    ]


WARNING_FUNCTION = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)


class CompilerOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("target", c_char_p),
        ("cacheFolder", c_char_p),
        ("cacheBytes", c_int64),
        ("memoryKernels", c_int64),
        ("ptxas", c_char_p),
        ("ptxasTimeout", c_int32),
        ("assembler", c_int32),
        ("lockTimeout", c_int32),
        ("reserved", c_int32),
        ("progress", c_void_p),
        ("warning", WARNING_FUNCTION),
        ("userData", c_void_p),
    ]


class CompileOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("schedule", c_char_p),
        ("threshold", c_double),
        ("expectSizes", c_char_p),
        ("gpu", c_char_p),
        ("tuningTable", c_char_p),
    ]


RUNTIME_FUNCTIONS = {
    "mlaRuntimeVersion": (c_int32, []),
    "mlaLastError": (c_char_p, []),
    "mlaStatusName": (c_char_p, [c_int32]),
    "mlaKernelLoad": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "mlaKernelDestroy": (c_int32, [c_void_p]),
    "mlaKernelGetInfo": (c_int32, [c_void_p, POINTER(KernelInfo)]),
    "mlaKernelGetEntryCount": (c_int32, [c_void_p, POINTER(c_int32)]),
    "mlaKernelGetEntry": (c_int32, [c_void_p, c_int32, POINTER(EntryInfo)]),
    "mlaKernelGetArgument": (c_int32, [c_void_p, c_int32, POINTER(ArgumentInfo)]),
    "mlaKernelIsArgumentOptional": (c_int32, [c_void_p, c_int32, POINTER(c_int32)]),
    "mlaKernelGetWorkspaceBytes": (
        c_int32,
        [c_void_p, c_char_p, c_int32, POINTER(c_size_t)],
    ),
    "mlaKernelLaunch": (c_int32, [c_void_p, c_char_p, c_int32, c_void_p]),
    "mlaKernelLaunchProgram": (
        c_int32,
        [c_void_p, c_char_p, c_int32, POINTER(LaunchOptions), c_void_p],
    ),
}

JIT_FUNCTIONS = {
    "mlaJitVersion": (c_int32, []),
    "mlaCompilerCreate": (c_int32, [POINTER(CompilerOptions), POINTER(c_void_p)]),
    "mlaCompile": (
        c_int32,
        [
            c_void_p,
            POINTER(Source),
            POINTER(CompileOptions),
            POINTER(c_void_p),
            c_void_p,
        ],
    ),
}
