//===- Descriptor.h - how a compiled kernel is launched ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The launch descriptor: `kernel.json` of a kernel package, as C++ values. The
// compiler fills one in and writes it; the runtime reads and checks it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DESCRIPTOR_H
#define MLA_RUNTIME_DESCRIPTOR_H

#include "mla/Runtime/Status.h"
#include "mla/Support/Target.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mla::runtime {

/// Limits that let a launch work in buffers of fixed size. They are part of
/// the format: the parser refuses a descriptor beyond them.
inline constexpr int kMaxRank = MLA_MAX_RANK;
inline constexpr int kMaxArguments = 64;
inline constexpr int kMaxParameters = 128;
inline constexpr int kMaxSizes = 64;
inline constexpr int kMaxTensorMaps = 16;
/// The largest size of a tensor's dimension: kernels count in 32 bits, and
/// compare row indices, which are of 32 bits, with the number of rows. Strides
/// and offsets have 64.
inline constexpr int64_t kMaxDimension = 2147483647;
/// Bytes of kernel parameters that every driver from CUDA 12.0 on accepts.
inline constexpr int kMaxParameterBytes = 4096;

/// Bytes of one element.
int64_t itemSize(mlaDType dtype);
/// The descriptor's word for a type: "bf16", "i32", ...
const char *dtypeName(mlaDType dtype);
/// The type that a word names.
std::optional<mlaDType> parseDType(std::string_view name);
/// Whether the type is a floating-point one.
bool isFloat(mlaDType dtype);

/// One dimension of an argument's shape: a fixed size or a named one.
struct Size {
  /// In elements; meaningless when `symbol` is set.
  int64_t fixed = 0;
  /// Index into KernelDescriptor::sizeNames, or -1.
  int symbol = -1;

  bool isFixed() const { return symbol < 0; }
};

/// One argument that the caller passes.
struct ArgumentDescriptor {
  std::string name;
  bool isTensor = true;
  mlaDType dtype = MLA_F32;
  /// For scalars: only values above 0 are right (not NaN either).
  bool positive = false;
  // The rest is for tensors only.
  mlaAccess access = MLA_READ;
  std::vector<Size> shape;
  /// In elements; nullopt: the caller's stride, known at run time.
  std::vector<std::optional<int64_t>> strides;
  /// Bytes that divide the base address and every run-time stride.
  int64_t alignment = 1;
  /// A launch may leave it out, by a null address: the kernel gets 0 for its
  /// address, sizes and strides.
  bool optional = false;
};

/// Options of an operator, by name; those that are missing have their default.
using OperatorOptions = std::map<std::string, std::string>;

/// A scalar whose value is compiled into the kernel.
struct ConstantDescriptor {
  std::string name;
  double value = 0;
};

/// One parameter of the compiled kernel, in the kernel's order.
struct ParameterDescriptor {
  enum class Kind { Pointer, Size, Stride, Scalar, TensorMap };
  Kind kind = Kind::Pointer;
  /// The argument it is made of; for TensorMap the index of the map.
  int index = 0;
  /// The dimension, for Size and Stride.
  int dim = 0;
};

/// How a CUtensorMap is made of a tensor argument.
struct TensorMapDescriptor {
  int argument = 0;
  /// In elements, in the tensor's order (outermost first).
  std::vector<int64_t> box;
  /// In bytes: 0, 32, 64 or 128.
  int swizzle = 0;
};

/// One factor of the grid: a constant, or ceil(size / divide).
struct GridFactor {
  bool isConstant = false;
  int64_t constant = 1;
  int argument = 0;
  int dim = 0;
  int64_t divide = 1;
};

/// The version of the format that this library writes and reads.
inline constexpr int kPackageVersion = 2;

/// Everything a launch needs besides the code.
struct KernelDescriptor {
  std::string compiler;
  /// Symbol of the kernel in the cubin.
  std::string kernel;
  /// The operator it computes; may be empty.
  std::string operatorName;
  OperatorOptions options;
  /// Scalar operands of the operator that are not arguments, since the kernel
  /// has their values compiled in: finite.
  std::vector<ConstantDescriptor> constants;
  std::string target{kDefaultTarget.name};
  /// File name of the cubin inside the package's folder.
  std::string cubin = "kernel.cubin";
  /// The seal, see sealDescriptor; empty where there is none.
  std::string sha256;
  std::vector<ArgumentDescriptor> arguments;
  std::vector<ParameterDescriptor> parameters;
  std::vector<TensorMapDescriptor> tensorMaps;
  /// The grid is one-dimensional: the product of these.
  std::vector<GridFactor> grid;
  int block = 128;
  int cluster = 1;
  int64_t sharedBytes = 0;
  /// Names of the run-time sizes; Size::symbol is an index into it.
  std::vector<std::string> sizeNames;

  /// The operator with its options, as in "combine lse_base=2": equal for
  /// kernels that compute the same.
  std::string operatorText() const;

  /// The named size, added to `sizeNames` when it is new.
  Size namedSize(const std::string &name);
};

/// Checks what a descriptor must satisfy beyond its syntax: indices in range,
/// limits, tensor maps that the driver can encode. The error names the field.
Status verifyDescriptor(const KernelDescriptor &descriptor);

/// Reads `kernel.json` (UTF-8 text) and verifies it. Unknown fields, wrong
/// types, another format or version are errors (MLA_INVALID_PACKAGE) that name
/// the field.
Status parseDescriptor(std::string_view json, KernelDescriptor &out);

/// Writes a descriptor as `kernel.json`: stable order, two-space indentation,
/// a newline at the end. parseDescriptor reads it back unchanged.
std::string writeDescriptor(const KernelDescriptor &descriptor);

/// Writes a descriptor with the seal of the package in its field `sha256`: the
/// SHA-256 of this text, with 64 zeros in place of the seal, and of the cubin.
/// So a damaged bit in either file shows when the package is loaded.
std::string sealDescriptor(KernelDescriptor descriptor, std::string_view cubin);
/// The same with a descriptor's text, which is replaced. Refuses a cubin that
/// verifyCubin refuses: what is sealed is taken for good ever after.
Status sealDescriptor(std::string &json, std::string_view cubin);

/// Checks that `cubin` is a whole 64-bit CUDA ELF file; ptxas or a copy that
/// stopped half-way would otherwise show as an obscure driver error.
Status verifyCubin(std::string_view cubin);

/// A package in memory.
struct KernelPackage {
  KernelDescriptor descriptor;
  std::string cubin;
};

/// Reads a package from the text of its `kernel.json` and its cubin, and
/// checks form and seal.
Status parsePackage(std::string_view json, std::string cubin,
                    KernelPackage &out);

/// Reads and checks `folder`/kernel.json and the cubin that it names.
Status readPackage(const std::string &folder, KernelPackage &out);

/// Seals a package and writes it into `folder`, which is created; each file
/// appears whole (temporary file and rename), `kernel.json` last.
Status writePackage(const std::string &folder, const KernelPackage &package);

} // namespace mla::runtime

#endif // MLA_RUNTIME_DESCRIPTOR_H
