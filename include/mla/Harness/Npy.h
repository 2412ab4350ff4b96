//===- Npy.h - NumPy's array files ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_NPY_H
#define MLA_HARNESS_NPY_H

#include "mla/Harness/HostTensor.h"

#include <cstdint>
#include <limits>

namespace mla::harness {

/// Reads a .npy file of version 1.0 or 2.0 as a contiguous tensor of `dtype`.
/// bf16 and e4m3, which NumPy lacks, are read from items of their size: '<u2',
/// '|V2' or '<V2', and '|u1', '|V1' or '<V1' (that of ml_dtypes). Errors name
/// the file: missing, truncated or overlong, not little-endian, in Fortran
/// order, of another type than `dtype`, or of more than `maxBytes`. Reads no
/// more than the header announces.
Status readNpy(const std::string &path, mlaDType dtype, HostTensor &out,
               uint64_t maxBytes = std::numeric_limits<uint64_t>::max());

/// As readNpy, but the file may have any of these types.
Status readNpy(const std::string &path, const std::vector<mlaDType> &dtypes,
               HostTensor &out,
               uint64_t maxBytes = std::numeric_limits<uint64_t>::max());

/// As readNpy, from the file's bytes; `what` names them in errors.
Status parseNpy(const std::string &bytes, mlaDType dtype,
                const std::string &what, HostTensor &out);

/// Writes the tensor, without padding, as .npy version 1.0 (bf16 as '<u2');
/// the file is renamed into place when it is complete.
Status writeNpy(const std::string &path, const HostTensor &tensor);

/// The bytes that writeNpy writes.
std::string formatNpy(const HostTensor &tensor);

} // namespace mla::harness

#endif // MLA_HARNESS_NPY_H
