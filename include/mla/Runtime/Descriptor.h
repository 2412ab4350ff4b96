//===- Descriptor.h - how a compiled kernel is launched ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The launch descriptor: `kernel.json` of a kernel package, as C++ values. The
// compiler fills in a KernelDescriptor; writeDescriptor() and parseDescriptor()
// are the only code that writes and reads its JSON.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DESCRIPTOR_H
#define MLA_RUNTIME_DESCRIPTOR_H

#include "mla/Runtime/Expression.h"
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
inline constexpr int kMaxWorkspaces = 8;
inline constexpr int kMaxKernels = 16;
inline constexpr int kMaxSizes = 64;
/// Per kernel.
inline constexpr int kMaxParameters = 128;
inline constexpr int kMaxTensorMaps = 16;
/// In all kernels together.
inline constexpr int kMaxProgramTensorMaps = 48;
/// The largest size of a tensor's dimension: kernels compute sizes and row
/// indices in 32 bits, strides and offsets in 64.
inline constexpr int64_t kMaxDimension = 2147483647;
/// Bytes of kernel parameters that every driver from CUDA 12.0 on accepts.
inline constexpr int kMaxParameterBytes = 4096;

/// Every workspace starts at a multiple of this many bytes.
inline constexpr int64_t kWorkspaceAlignment = 256;

/// Bytes of one element.
int64_t itemSize(mlaDType dtype);
/// The name of a type in the descriptor: "bf16", "i32", ...
const char *dtypeName(mlaDType dtype);
/// The type of that name.
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

/// The values of a named size that the kernels cover.
struct SizeLimits {
  /// Index into KernelDescriptor::sizeNames.
  int symbol = 0;
  int64_t smallest = 0;
  int64_t largest = kMaxDimension;
};

/// One argument that the caller passes.
struct ArgumentDescriptor {
  std::string name;
  bool isTensor = true;
  mlaDType dtype = MLA_F32;
  /// For scalars: a launch has to pass a value above 0 (and not NaN).
  bool positive = false;
  // The fields below are for tensors only.
  mlaAccess access = MLA_READ;
  std::vector<Size> shape;
  /// In elements; nullopt: a run-time stride.
  std::vector<std::optional<int64_t>> strides;
  /// Bytes that divide the base address and every run-time stride.
  int64_t alignment = 1;
  /// A launch may leave it out by passing a null address: the kernel then gets
  /// 0 for its address, sizes and strides.
  bool optional = false;
};

/// Options of an operator, by name; missing ones have their default.
using OperatorOptions = std::map<std::string, std::string>;

/// A scalar whose value is compiled into the kernel.
struct ConstantDescriptor {
  std::string name;
  double value = 0;
};

/// Memory that the caller lends to a launch, for data that kernels pass to
/// later ones. Contiguous, the last dimension innermost.
struct WorkspaceDescriptor {
  std::string name;
  mlaDType dtype = MLA_F32;
  std::vector<Expression> shape;
  /// Bytes that divide the stride of every dimension but the last; a launch
  /// whose sizes violate this is refused.
  int64_t alignment = 1;
};

/// One parameter of a compiled kernel, in the kernel's order.
struct ParameterDescriptor {
  enum class Kind { Pointer, Size, Stride, Scalar, TensorMap };
  Kind kind = Kind::Pointer;
  /// For TensorMap the index of the map, otherwise that of a tensor or scalar:
  /// an argument, or, from arguments.size() on, a workspace.
  int index = 0;
  /// The dimension, for Size and Stride.
  int dim = 0;
};

/// How to make a CUtensorMap of a tensor argument or a workspace.
struct TensorMapDescriptor {
  /// As ParameterDescriptor::index.
  int tensor = 0;
  /// In elements, in the tensor's order (outermost first).
  std::vector<int64_t> box;
  /// In bytes: 0, 32, 64 or 128.
  int swizzle = 0;
  /// Whether the kernel uses the map only for boxes inside the tensor, so that
  /// an empty tensor needs none.
  bool mayBeEmpty = false;
};

/// One kernel of the program.
struct EntryDescriptor {
  /// Symbol of the kernel in the cubin.
  std::string symbol;
  mlaPhase phase = MLA_PHASE_LAUNCH;
  std::vector<ParameterDescriptor> parameters;
  std::vector<TensorMapDescriptor> tensorMaps;
  /// CTAs; the grid is one-dimensional.
  Expression grid;
  int block = 128;
  int cluster = 1;
  int64_t sharedBytes = 0;
  /// Programmatic dependent launch: the kernel may start before the previous
  /// one has ended, and waits for it itself (griddepcontrol.wait).
  bool programmatic = false;
};

/// The version of the format that this library writes and reads.
inline constexpr int kPackageVersion = 3;

/// Everything a launch needs besides the code: the caller's arguments, and the
/// kernels that run on them, in order.
struct KernelDescriptor {
  std::string compiler;
  /// The operator it computes; may be empty.
  std::string operatorName;
  OperatorOptions options;
  /// Scalar operands of the operator whose values, all finite, are compiled
  /// into the kernel.
  std::vector<ConstantDescriptor> constants;
  std::string target{kDefaultTarget.name};
  /// File name of the cubin inside the package's folder.
  std::string cubin = "kernel.cubin";
  /// The seal, see sealDescriptor; empty where there is none.
  std::string sha256;
  std::vector<ArgumentDescriptor> arguments;
  std::vector<WorkspaceDescriptor> workspaces;
  std::vector<EntryDescriptor> kernels;
  /// Names of the run-time sizes; Size::symbol is an index into it.
  std::vector<std::string> sizeNames;
  /// Limits of those sizes that kernels do not cover from 0 to kMaxDimension.
  std::vector<SizeLimits> sizeLimits;

  /// The name in messages: the symbol of the first kernel.
  const std::string &name() const;

  /// The operator with its options, as in "combine lse_base=2": equal for
  /// kernels that compute the same.
  std::string operatorText() const;

  /// The named size, added to `sizeNames` when it is new.
  Size namedSize(const std::string &name);

  /// The limits of a named size.
  SizeLimits limitsOf(int symbol) const;
  /// Intersects the limits of a named size with a range.
  void limitSize(int symbol, int64_t smallest, int64_t largest);

  // Tensors are numbered: arguments first, then workspaces.
  int tensorCount() const {
    return static_cast<int>(arguments.size() + workspaces.size());
  }
  /// The workspace with this tensor number; null for an argument.
  const WorkspaceDescriptor *workspace(int tensor) const;
  const std::string &tensorName(int tensor) const;
  mlaDType tensorType(int tensor) const;
  int tensorRank(int tensor) const;
};

/// Checks what a descriptor must satisfy beyond its syntax: indices in range,
/// limits, tensor maps that the driver can encode. The error names the field.
Status verifyDescriptor(const KernelDescriptor &descriptor);

/// Reads `kernel.json` (UTF-8 text) and verifies it. Unknown fields, wrong
/// types, another format or version are errors (MLA_INVALID_PACKAGE) that name
/// the field.
Status parseDescriptor(std::string_view json, KernelDescriptor &out);

/// Writes a descriptor as `kernel.json`: stable order, two-space indentation,
/// a newline at the end; in one line if not `indented`. parseDescriptor reads
/// it back unchanged.
std::string writeDescriptor(const KernelDescriptor &descriptor,
                            bool indented = true);

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
