//===- KernelContext.h - shared by the lowering patterns --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_KERNELCONTEXT_H
#define MLA_LIB_CONVERSION_KERNELCONTEXT_H

#include "KernelInterface.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mla {

/// The kernel's shared memory, one external array of unknown size.
inline constexpr llvm::StringLiteral kSharedSymbol = "mla_shared";

/// The kernel parameters of a memref argument.
struct GlobalTensor {
  mlir::Value base;                              ///< i64 address
  llvm::SmallVector<mlir::OpFoldResult> sizes;   ///< i64 values or index attrs
  llvm::SmallVector<mlir::OpFoldResult> strides; ///< in elements, likewise
  mlir::Type elementType;
};

/// State of the conversion of one function.
struct KernelContext {
  llvm::DenseMap<mlir::Value, GlobalTensor> tensors;   ///< by memref argument
  llvm::DenseMap<mlir::Value, mlir::Value> tensorMaps; ///< by cta.tensor_map

  explicit KernelContext(const KernelInterface &kernel) : kernel(kernel) {}

  /// Whether the contents of the memref do not change while the kernel runs.
  bool isConstant(mlir::Value memref) const {
    return !kernel.waits && !kernel.written.contains(memref);
  }

  /// The parameters of `memref`, or null with an error at `op`.
  const GlobalTensor *lookup(mlir::Operation *op, mlir::Value memref) const;

private:
  const KernelInterface &kernel;
};

/// Builds scalar code of one thread: coordinates, constants, addresses.
class ThreadBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// `op` is in a role.
  ThreadBuilder(mlir::Operation *op, mlir::OpBuilder &builder);

  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value toI64(mlir::Value index);
  mlir::Value toI64(mlir::OpFoldResult value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);

  /// The thread's number in its role, its lane in the warp, and its warp's
  /// number in the role.
  mlir::Value thread();
  mlir::Value lane();
  mlir::Value warp();
  /// Reads the thread's number again here and uses it from now on, so that
  /// values computed from it occupy no registers across earlier loops.
  void readThreadAnew();

  /// `pointer` (shared or global) plus a number of bytes.
  mlir::Value offset(mlir::Value pointer, mlir::Value bytes);
  mlir::Value offset(mlir::Value pointer, int64_t bytes);
  /// Address of the element of `tensor` at `indices` (i64).
  mlir::Value elementPointer(const GlobalTensor &tensor,
                             mlir::ValueRange indices);
  mlir::Value globalPointer(mlir::Value address);
  /// Address of the byte `bytes` of the CTA's shared memory.
  mlir::Value sharedPointer(int64_t bytes);
  /// The address `shared` in the window of the cluster's shared memory.
  mlir::Value clusterPointer(mlir::Value shared);

  mlir::Value extract(mlir::Value vector, int64_t index);
  mlir::Value pack(llvm::ArrayRef<mlir::Value> values);
  /// A vector of make(0) to make(count - 1).
  mlir::Value pack(int64_t count,
                   llvm::function_ref<mlir::Value(int64_t)> make);
  /// Builds `body` under `condition`, or unconditionally if that is null.
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);

  /// Whether one lane alone executes the op.
  bool isElected() const { return elected; }
  /// Runs `body` in one thread: the lane of cta.elect, or thread 0 of the role.
  void ifElected(llvm::function_ref<void()> body);

  /// One instruction without side effects, "name $0, $1, ...", on f32 inputs.
  mlir::Value compute(llvm::StringRef text, mlir::ValueRange inputs,
                      mlir::Type result);
  /// Inline assembly with side effects.
  mlir::Operation *assembly(llvm::StringRef text, llvm::StringRef constraints,
                            mlir::ValueRange operands, mlir::Type result);

private:
  mlir::Value threadInCta();

  cta::RoleOp role;
  bool elected;
  mlir::Value threadReadAnew;
};

/// The type of a fragment; null for any other value.
inline mlir::RankedTensorType getFragment(mlir::Value v) {
  return mlir::dyn_cast<mlir::RankedTensorType>(v.getType());
}

/// The coordinate of register `reg` of a fragment along dimension `dim`:
/// `base` (i32, depends on the thread) + `offset`.
struct Coordinate {
  mlir::Value base;
  int64_t offset;
};
Coordinate getCoordinate(ThreadBuilder &b, mlir::RankedTensorType fragment,
                         int64_t dim, int64_t reg);

/// Whether this thread's warp is the first one that holds its rows in the
/// layout `gather`; null if each row is in one warp.
mlir::Value isFirstWarpWithRow(ThreadBuilder &b, mlir::RankedTensorType rows);

/// Elements of `fragment` that one thread holds.
int64_t getNumRegisters(mlir::RankedTensorType fragment);

/// The register, in `fragment` without dimension `dim`, that has the other
/// coordinates of register `reg` of `fragment`.
int64_t getSideRegister(mlir::RankedTensorType fragment, int64_t dim,
                        int64_t reg);

/// The register of a vector by row, or by column, that has the row, or column,
/// of register `reg` of an accumulator.
int64_t getRowRegister(mlir::RankedTensorType acc, int64_t reg);
int64_t getColumnRegister(mlir::RankedTensorType acc, int64_t reg);

/// True for fragments that are held as pairs of two-byte values in i32.
bool isPacked(mlir::RankedTensorType fragment);

/// The type in which LLVM holds an element: the bits of a float of one byte.
mlir::Type getRegisterType(mlir::Type element);

/// True for i1 vectors by column, which are held as words of 32 bits: column c
/// is bit c mod 32 of word c / 32.
bool isBits(mlir::RankedTensorType fragment);
int64_t getNumWords(mlir::RankedTensorType bits);
/// The thread's own columns as i1, register by register.
llvm::SmallVector<mlir::Value>
testBits(ThreadBuilder &b, mlir::RankedTensorType type, mlir::Value words);
/// The words of a vector of i1 registers; only the bits that this thread tests
/// are set.
mlir::Value packBits(ThreadBuilder &b, mlir::RankedTensorType type,
                     mlir::Value values);

void populateBitPatterns(mlir::TypeConverter &types,
                         mlir::RewritePatternSet &patterns);
/// Checks that an op of the math dialect has an instruction or a lowering;
/// emits an error otherwise.
mlir::LogicalResult checkInstruction(mlir::Operation *op);

void populateBulkPatterns(mlir::TypeConverter &types,
                          mlir::RewritePatternSet &patterns,
                          KernelContext &context);
void populateCopyPatterns(mlir::TypeConverter &types,
                          mlir::RewritePatternSet &patterns,
                          KernelContext &context);
void populateDirectPatterns(mlir::TypeConverter &types,
                            mlir::RewritePatternSet &patterns,
                            KernelContext &context);
void populateElementwisePatterns(mlir::TypeConverter &types,
                                 mlir::RewritePatternSet &patterns);
void populateFlagPatterns(mlir::TypeConverter &types,
                          mlir::RewritePatternSet &patterns,
                          KernelContext &context);
void populateMemoryPatterns(mlir::TypeConverter &types,
                            mlir::RewritePatternSet &patterns,
                            KernelContext &context);
void populateMmaPatterns(mlir::TypeConverter &types,
                         mlir::RewritePatternSet &patterns);
void populateNamedBarrierPatterns(mlir::TypeConverter &types,
                                  mlir::RewritePatternSet &patterns);
void populateReductionPatterns(mlir::TypeConverter &types,
                               mlir::RewritePatternSet &patterns);
void populateStorePatterns(mlir::TypeConverter &types,
                           mlir::RewritePatternSet &patterns,
                           KernelContext &context);
void populateSyncPatterns(mlir::TypeConverter &types,
                          mlir::RewritePatternSet &patterns);
/// Turns each cta.elect, whose ops have been lowered, into the branch of its
/// lane.
void inlineElected(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_CONVERSION_KERNELCONTEXT_H
