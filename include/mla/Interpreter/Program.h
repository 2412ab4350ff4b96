//===- Program.h - a function made ready to run -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A function is translated once: every SSA value gets a slot, every op its
// handler. Then a Frame, the slots of one thread, executes it. The simulator
// builds on this with a vocabulary, values and control flow of its own.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_PROGRAM_H
#define MLA_INTERPRETER_PROGRAM_H

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Elementwise.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <atomic>
#include <memory>
#include <mutex>
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

/// What an SSA value holds: one of its fields, by its type. Tiles are shared
/// and never written once they stand here.
struct Datum {
  Lane scalar = Lane::ofInt(0);
  std::shared_ptr<const DenseTile> tile;
  const Argument *array = nullptr;
  /// Of a type that only the vocabulary's own handlers know.
  std::shared_ptr<void> opaque;
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

/// What a function may consist of, beside elementwise ops and constants.
struct Vocabulary {
  /// Who refuses the rest, in diagnostics.
  llvm::StringRef owner;
  HandlerTable handlers;
  /// Types whose values are `opaque` or a scalar.
  bool (*isOpaque)(mlir::Type) = nullptr;
  /// Terminators beside func.return, scf.yield and an empty scf.in_parallel.
  llvm::StringSet<> terminators;
};

/// Of the tile level.
const Vocabulary &getTileVocabulary();

/// Translates `function`, or reports the first op or type that the vocabulary
/// does not know.
mlir::FailureOr<Program>
translate(mlir::func::FuncOp function,
          const Vocabulary &vocabulary = getTileVocabulary());

/// Whether `arguments` are what `function` takes; errors as diagnostics.
mlir::LogicalResult checkArguments(mlir::func::FuncOp function,
                                   llvm::ArrayRef<Argument> arguments);

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
  /// Other ops that have to do with it.
  std::vector<std::pair<mlir::Operation *, std::string>> notes = {};
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
  void set(Slot slot, Datum datum) { slots[slot] = std::move(datum); }
  void set(llvm::ArrayRef<Slot> to, llvm::ArrayRef<Datum> values);
  /// What a function is called with; arrays stay where they are.
  void setArguments(llvm::ArrayRef<Slot> to,
                    llvm::ArrayRef<Argument> arguments);

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

/// How often a loop from `lower` to `upper` runs.
uint64_t getTripCount(int64_t lower, int64_t upper, int64_t step);

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// The points of an scf.forall, numbered with the last dimension fastest.
struct Grid {
  llvm::SmallVector<int64_t> lower, step, counts;
  uint64_t numPoints = 1;

  /// The coordinates of a point.
  llvm::SmallVector<int64_t> locate(uint64_t point) const;
};

/// The grid of the scf.forall `in`, whose dynamic bounds `frame` holds.
mlir::FailureOr<Grid> makeGrid(Frame &frame, const Instruction &in);

/// Hands out points in ascending order and keeps the failure of the lowest, so
/// that what is reported does not depend on the number of threads: when a point
/// fails, every lower one has been handed out and is finished.
class GridQueue {
public:
  explicit GridQueue(uint64_t numPoints) : numPoints(numPoints) {}

  /// The next point, or nothing when all are done or one has failed.
  std::optional<uint64_t> take();
  void report(uint64_t point, const Failure &why);
  const std::optional<Failure> &getFailure() const { return failure; }

private:
  uint64_t numPoints;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  uint64_t failedPoint = 0;
  std::optional<Failure> failure;
};

/// Runs `task` on `threads` threads (0: one per core), at most `limit`.
void runOnThreads(unsigned threads, uint64_t limit,
                  llvm::function_ref<void()> task);

//===----------------------------------------------------------------------===//
// Boxes of arrays
//===----------------------------------------------------------------------===//

/// The part of one row of a box that lies inside the array.
struct Run1D {
  /// Of the first element: its place in the tile, and in the array.
  int64_t tileAt;
  int64_t arrayAt;
  int64_t count;
  /// Between elements of the array.
  int64_t stride;
};

/// A box of a tile's shape at `start` in an array.
struct Box {
  const Argument &array;
  llvm::ArrayRef<int64_t> start;
  llvm::ArrayRef<int64_t> shape;

  /// Calls `visit` for the part of each row that lies inside the array, rows
  /// along the box's last dimension. Offsets are computed for elements inside
  /// only.
  void forEachRun(llvm::function_ref<void(const Run1D &)> visit) const;

private:
  size_t lead() const { return start.size() - shape.size(); }
  /// The offset of element `at` of the box's outer dimensions in the array, if
  /// it is inside.
  std::optional<int64_t> getOuterOffset(llvm::ArrayRef<int64_t> at) const;
};

/// What a load or a store of the tile level takes for its memref: its
/// dimensions in the order in which the tile spans the last ones, ended by the
/// bounds.
class Window {
public:
  /// `operands` are those of the op.
  Window(const Frame &frame, tile::LoadOp op, llvm::ArrayRef<Slot> operands);
  Window(const Frame &frame, tile::StoreOp op, llvm::ArrayRef<Slot> operands);

  Box getBox(llvm::ArrayRef<int64_t> shape) const {
    return {array, start, shape};
  }

private:
  /// `operands` are the memref, the indices and the bounds.
  void init(const Frame &frame, llvm::ArrayRef<Slot> operands,
            std::optional<llvm::ArrayRef<int64_t>> dims, int64_t tileRank);

  Argument array;
  llvm::SmallVector<int64_t> start;
};

/// Copies the part of `box` inside its array to `tile`, from element `at` on;
/// leaves the rest.
void readBox(const Box &box, DenseTile &tile, int64_t at = 0);

/// Copies the part of `tile` that lies inside the array.
void writeBox(const Box &box, const DenseTile &tile);

/// The indices of row `row` of an array at `rest` in the trailing dimensions:
/// the row counts through the leading ones in row-major order.
llvm::SmallVector<int64_t> locateRow(const Argument &array, int64_t row,
                                     llvm::ArrayRef<int64_t> rest);

/// Rows of an array by index; rows outside are left alone.
void readRows(const Argument &array, const DenseTile &rows,
              llvm::ArrayRef<int64_t> rest, DenseTile &tile);

/// The offset of the element at `indices` from the array's first; where it lies
/// outside, nothing, and `error` says so.
std::optional<int64_t> locateElement(const Argument &array,
                                     llvm::ArrayRef<int64_t> indices,
                                     std::string &error);

/// The address of the element `offset` elements from the array's first.
inline char *getAddress(const Argument &array, int64_t offset) {
  return static_cast<char *>(array.data) +
         offset * static_cast<int64_t>(getByteWidth(array.elementType));
}

} // namespace mla::interp

#endif // MLA_INTERPRETER_PROGRAM_H
