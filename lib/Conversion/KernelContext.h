//===- KernelContext.h - what the lowering patterns share -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_KERNELCONTEXT_H
#define MLA_LIB_CONVERSION_KERNELCONTEXT_H

#include "mla/Conversion/Passes.h"
#include "mla/Runtime/Descriptor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mla {

/// The kernel's shared memory, one external array of unknown size.
inline constexpr llvm::StringLiteral kSharedSymbol = "mla_shared";

/// A memref argument as the kernel gets it.
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
  llvm::DenseSet<mlir::Value> written;                 ///< stored-to memrefs
  /// The kernel may begin while those before it still write, and waits.
  bool waits = false;

  /// Whether the memref has the same contents as long as the kernel runs.
  bool isConstant(mlir::Value memref) const {
    return !waits && !written.contains(memref);
  }

  /// The tensor behind `memref`, or null with an error at `op`.
  const GlobalTensor *lookup(mlir::Operation *op, mlir::Value memref) const;
};

/// Builds the scalar code of one thread: coordinates, constants, addresses.
class ThreadBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// `op` stands in a role.
  ThreadBuilder(mlir::Operation *op, mlir::OpBuilder &builder);

  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value toI64(mlir::Value index);
  mlir::Value toI64(mlir::OpFoldResult value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);

  /// Number of this thread in its role, of its lane in the warp, and of its
  /// warp in the role.
  mlir::Value thread();
  mlir::Value lane();
  mlir::Value warp();
  /// Reads the thread's number here, for what this builder makes from now on:
  /// what is computed of it takes no registers in loops around.
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
  /// The values that `make` gives for 0 to `count` - 1.
  mlir::Value pack(int64_t count,
                   llvm::function_ref<mlir::Value(int64_t)> make);
  /// Runs `body` under `condition`, or always if that is null.
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

/// Where register `reg` of a fragment lies: the coordinate along dimension
/// `dim` is `base` (i32, the thread's share) + `offset`.
struct Coordinate {
  mlir::Value base;
  int64_t offset;
};
Coordinate getCoordinate(ThreadBuilder &b, mlir::RankedTensorType fragment,
                         int64_t dim, int64_t reg);

/// Elements of `fragment` that one thread holds.
int64_t getNumRegisters(mlir::RankedTensorType fragment);

/// The register of `fragment` with dimension `dim` dropped that goes
/// with its register `reg`.
int64_t getSideRegister(mlir::RankedTensorType fragment, int64_t dim,
                        int64_t reg);

/// The registers of a fragment by row, and by column, that go with register
/// `reg` of an accumulator.
int64_t getRowRegister(mlir::RankedTensorType acc, int64_t reg);
int64_t getColumnRegister(mlir::RankedTensorType acc, int64_t reg);

/// True for fragments that are kept as pairs of two-byte values in i32.
bool isPacked(mlir::RankedTensorType fragment);

/// The type in which LLVM holds an element: the bits of a float of one byte.
mlir::Type getRegisterType(mlir::Type element);

/// True for i1 vectors by column, which are kept as words of 32 bits: column c
/// is bit c mod 32 of word c / 32.
bool isBits(mlir::RankedTensorType fragment);
int64_t getNumWords(mlir::RankedTensorType bits);
/// The thread's own columns as i1, register by register.
llvm::SmallVector<mlir::Value>
testBits(ThreadBuilder &b, mlir::RankedTensorType type, mlir::Value words);
/// The words of a vector of i1 registers, as far as this thread tests them.
mlir::Value packBits(ThreadBuilder &b, mlir::RankedTensorType type,
                     mlir::Value values);

void populateBitPatterns(mlir::TypeConverter &types,
                         mlir::RewritePatternSet &patterns);
/// Checks that there is an instruction, or a lowering, for an op of math; emits
/// an error otherwise.
mlir::LogicalResult checkInstruction(mlir::Operation *op);

void populateBulkPatterns(mlir::TypeConverter &types,
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

/// What the launch descriptor says of one kernel follows from this.
struct KernelInterface {
  mutable mlir::func::FuncOp func;
  mutable mlir::scf::ForallOp grid;
  int64_t threads = 0; ///< of a CTA
  const KernelContext &context;
};

/// The launch descriptor of a program of these kernels, in order. Fails with an
/// error where kernels disagree on an argument, a grid is no expression, or the
/// format does not allow the program.
mlir::FailureOr<runtime::KernelDescriptor>
describeProgram(llvm::ArrayRef<KernelInterface> kernels);

} // namespace mla

#endif // MLA_LIB_CONVERSION_KERNELCONTEXT_H
