//===- Abi.cpp - the layout of the public structs -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The layout of the public structs is part of the interface, and bindings of
// other languages repeat it. If one of these assertions fails, either the major
// number of MLA_RUNTIME_VERSION has to go up or the change is wrong.
//
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Runtime.h"

#define MLA_ABI_SIZE(type, bytes)                                              \
  static_assert(sizeof(type) == bytes, "ABI: size of " #type)
#define MLA_ABI_FIELD(type, field, offset)                                     \
  static_assert(offsetof(type, field) == offset, "ABI: " #type "::" #field)

MLA_ABI_SIZE(mlaStatus, 4);
MLA_ABI_SIZE(mlaDType, 4);
MLA_ABI_SIZE(mlaArgumentKind, 4);
MLA_ABI_SIZE(mlaAccess, 4);
MLA_ABI_SIZE(mlaPhase, 4);
MLA_ABI_SIZE(mlaKernel, 8);
MLA_ABI_SIZE(mlaStream, 8);

MLA_ABI_SIZE(mlaTensor, 144);
MLA_ABI_FIELD(mlaTensor, data, 0);
MLA_ABI_FIELD(mlaTensor, dtype, 8);
MLA_ABI_FIELD(mlaTensor, rank, 12);
MLA_ABI_FIELD(mlaTensor, shape, 16);
MLA_ABI_FIELD(mlaTensor, strides, 80);

MLA_ABI_SIZE(mlaArgument, 152);
MLA_ABI_FIELD(mlaArgument, kind, 0);
MLA_ABI_FIELD(mlaArgument, reserved, 4);
MLA_ABI_FIELD(mlaArgument, value, 8);

MLA_ABI_SIZE(mlaArgumentInfo, 224);
MLA_ABI_FIELD(mlaArgumentInfo, name, 0);
MLA_ABI_FIELD(mlaArgumentInfo, isTensor, 8);
MLA_ABI_FIELD(mlaArgumentInfo, dtype, 12);
MLA_ABI_FIELD(mlaArgumentInfo, access, 16);
MLA_ABI_FIELD(mlaArgumentInfo, rank, 20);
MLA_ABI_FIELD(mlaArgumentInfo, alignment, 24);
MLA_ABI_FIELD(mlaArgumentInfo, shape, 32);
MLA_ABI_FIELD(mlaArgumentInfo, sizeName, 96);
MLA_ABI_FIELD(mlaArgumentInfo, strides, 160);

MLA_ABI_SIZE(mlaKernelInfo, 56);
MLA_ABI_FIELD(mlaKernelInfo, name, 0);
MLA_ABI_FIELD(mlaKernelInfo, operatorName, 8);
MLA_ABI_FIELD(mlaKernelInfo, target, 16);
MLA_ABI_FIELD(mlaKernelInfo, compiler, 24);
MLA_ABI_FIELD(mlaKernelInfo, argumentCount, 32);
MLA_ABI_FIELD(mlaKernelInfo, block, 36);
MLA_ABI_FIELD(mlaKernelInfo, cluster, 40);
MLA_ABI_FIELD(mlaKernelInfo, sharedBytes, 48);

MLA_ABI_SIZE(mlaEntryInfo, 40);
MLA_ABI_FIELD(mlaEntryInfo, name, 0);
MLA_ABI_FIELD(mlaEntryInfo, grid, 8);
MLA_ABI_FIELD(mlaEntryInfo, phase, 16);
MLA_ABI_FIELD(mlaEntryInfo, block, 20);
MLA_ABI_FIELD(mlaEntryInfo, cluster, 24);
MLA_ABI_FIELD(mlaEntryInfo, programmatic, 28);
MLA_ABI_FIELD(mlaEntryInfo, sharedBytes, 32);

MLA_ABI_SIZE(mlaLaunchOptions, 32);
MLA_ABI_FIELD(mlaLaunchOptions, size, 0);
MLA_ABI_FIELD(mlaLaunchOptions, phase, 8);
MLA_ABI_FIELD(mlaLaunchOptions, reserved, 12);
MLA_ABI_FIELD(mlaLaunchOptions, workspace, 16);
MLA_ABI_FIELD(mlaLaunchOptions, workspaceBytes, 24);
