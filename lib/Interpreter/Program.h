//===- Program.h - a function made ready to run -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A function is translated once: every SSA value gets a slot, every op its
// handler. Then a Frame, the slots of one thread, executes it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_INTERPRETER_PROGRAM_H
#define MLA_LIB_INTERPRETER_PROGRAM_H

#include "mla/Interpreter/Elementwise.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace mla::interp {

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A tile: the elements in row-major order, in the array of their kind.
struct DenseTile {
  ElementType type;
  /// Owned by the context of the tensor type.
  llvm::ArrayRef<int64_t> shape;
  std::vector<float> floats;
  std::vector<int64_t> ints;

  /// All zero.
  explicit DenseTile(mlir::RankedTensorType type);

  int64_t size() const {
    return static_cast<int64_t>(isFloat(type) ? floats.size() : ints.size());
  }
  Lane get(int64_t n) const {
    return isFloat(type) ? Lane::ofFloat(floats[n]) : Lane::ofInt(ints[n]);
  }
  void set(int64_t n, Lane lane) {
    if (isFloat(type))
      floats[n] = lane.f;
    else
      ints[n] = lane.i;
  }
};
using TilePtr = std::shared_ptr<DenseTile>;

/// What an SSA value holds: one of its three fields, by its type. Tiles are
/// shared and never written once they stand here.
struct Datum {
  Lane scalar = Lane::ofInt(0);
  std::shared_ptr<const DenseTile> tile;
  const Argument *array = nullptr;
};

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

class Frame;
struct Instruction;
using Handler = mlir::LogicalResult (*)(Frame &, const Instruction &);
using HandlerTable = llvm::StringMap<Handler>;
using Slot = unsigned;

/// The ops of a block but its terminator, whose operands are `yields`.
struct Code {
  std::vector<Instruction> instructions;
  /// Null where a region is empty.
  mlir::Operation *terminator = nullptr;
  llvm::SmallVector<Slot, 4> arguments;
  llvm::SmallVector<Slot, 4> yields;
};

struct Instruction {
  mlir::Operation *op = nullptr;
  Handler handler = nullptr;
  llvm::SmallVector<Slot, 4> operands;
  llvm::SmallVector<Slot, 2> results;
  /// Of an elementwise op.
  std::optional<Elementwise> elementwise;
  /// The value of a constant.
  Datum constant;
  /// One per region; an empty region has empty code.
  std::vector<Code> bodies;
};

struct Program {
  Code body;
  unsigned numSlots = 0;
};

/// Translates `function`, or reports the first op or type that the interpreter
/// does not know.
mlir::FailureOr<Program> translate(mlir::func::FuncOp function);

/// Handlers by op name, from one file each.
void addControlOps(HandlerTable &table);
void addMemoryOps(HandlerTable &table);
void addTileOps(HandlerTable &table);

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// What all threads of one run share.
struct Run {
  Options options;
  std::atomic<uint64_t> steps{0};
};

/// An error found while running; reported from the caller's thread.
struct Failure {
  mlir::Operation *op;
  std::string message;
};

/// The values of one thread.
class Frame {
public:
  Frame(Run &run, unsigned numSlots) : run(run), slots(numSlots) {}
  /// A copy of `parent` for a thread that executes points of its grid.
  static Frame makeWorker(const Frame &parent);

  mlir::LogicalResult execute(const Code &code);

  /// Records an error at `instruction`.
  mlir::LogicalResult fail(const Instruction &instruction,
                           const llvm::Twine &message);
  void adopt(Failure other) { error = std::move(other); }
  const std::optional<Failure> &getFailure() const { return error; }

  const Datum &get(Slot slot) const { return slots[slot]; }
  int64_t getInt(Slot slot) const { return slots[slot].scalar.i; }
  const DenseTile &getTile(Slot slot) const { return *slots[slot].tile; }
  const Argument &getArray(Slot slot) const { return *slots[slot].array; }
  llvm::SmallVector<int64_t> getInts(llvm::ArrayRef<Slot> from) const;
  llvm::SmallVector<Datum> collect(llvm::ArrayRef<Slot> from) const;

  void set(Slot slot, Lane lane) { slots[slot].scalar = lane; }
  void set(Slot slot, TilePtr tile) { slots[slot].tile = std::move(tile); }
  void set(Slot slot, const Argument *array) { slots[slot].array = array; }
  void set(llvm::ArrayRef<Slot> to, llvm::ArrayRef<Datum> values);

  const Options &getOptions() const { return run.options; }
  bool isWorker() const { return worker; }

private:
  /// Counts the execution of `op` against the limit.
  mlir::LogicalResult takeStep(mlir::Operation *op);

  Run &run;
  std::vector<Datum> slots;
  std::optional<Failure> error;
  /// A grid inside a grid point is not spread again.
  bool worker = false;
};

/// A zero tile of the type of result `n`.
TilePtr makeResult(const Instruction &instruction, unsigned n = 0);

} // namespace mla::interp

#endif // MLA_LIB_INTERPRETER_PROGRAM_H
