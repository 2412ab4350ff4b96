//===- Program.h - functions translated for execution -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A function is translated once: every SSA value is assigned a slot, every op
// its handler. A Frame, which holds the slots of one thread, then executes it.
// The simulator extends this with its own vocabulary, values and control flow.
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

/// The elements of a tile in row-major order, in `floats` or `ints` by its
/// type.
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

/// The value of an SSA value: one of the fields, depending on its type. Tiles
/// are shared and immutable.
struct Datum {
  Lane scalar = Lane::ofInt(0);
  std::shared_ptr<const DenseTile> tile;
  const Argument *array = nullptr;
  /// For types that only the vocabulary's handlers interpret.
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

/// The ops of a block except its terminator, whose operands are `yields`.
struct Code {
  std::vector<Instruction> instructions;
  /// Null for an empty region.
  mlir::Operation *terminator = nullptr;
  llvm::SmallVector<Slot, 4> arguments;
  llvm::SmallVector<Slot, 4> yields;
};

struct Instruction {
  mlir::Operation *op = nullptr;
  Handler handler = nullptr;
  llvm::SmallVector<Slot, 4> operands;
  llvm::SmallVector<Slot, 2> results;
  /// Set for elementwise ops.
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

/// The ops and types supported besides elementwise ops and constants.
struct Vocabulary {
  /// Name used in diagnostics about unsupported ops: "interpreter".
  llvm::StringRef owner;
  HandlerTable handlers;
  /// Types with values in Datum::opaque or Datum::scalar.
  bool (*isOpaque)(mlir::Type) = nullptr;
  /// Terminators besides func.return, scf.yield and an empty scf.in_parallel.
  llvm::StringSet<> terminators;
};

/// The vocabulary of the tile level.
const Vocabulary &getTileVocabulary();

/// Translates `function`. Emits an error at the first op or type that the
/// vocabulary does not support.
mlir::FailureOr<Program>
translate(mlir::func::FuncOp function,
          const Vocabulary &vocabulary = getTileVocabulary());

/// Checks `arguments` against the signature of `function`; emits an error if
/// they do not match.
mlir::LogicalResult checkArguments(mlir::func::FuncOp function,
                                   llvm::ArrayRef<Argument> arguments);

/// Each adds the handlers that its file defines.
void addControlOps(HandlerTable &table);
void addMemoryOps(HandlerTable &table);
void addTileOps(HandlerTable &table);

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// State shared by all threads of an execution.
struct Run {
  Options options;
  std::atomic<uint64_t> steps{0};
};

/// A run-time error, emitted later on the caller's thread.
struct Failure {
  mlir::Operation *op;
  std::string message;
  /// Related ops, reported as notes.
  std::vector<std::pair<mlir::Operation *, std::string>> notes = {};
};

/// The execution state of one thread.
class Frame {
public:
  Frame(Run &run, unsigned numSlots) : run(run), slots(numSlots) {}
  /// A copy of `parent` for a thread that executes grid points.
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
  /// Sets the arguments of a function. Arrays are not copied, so `arguments`
  /// must outlive the frame.
  void setArguments(llvm::ArrayRef<Slot> to,
                    llvm::ArrayRef<Argument> arguments);

  const Options &getOptions() const { return run.options; }
  bool isWorker() const { return worker; }

private:
  /// Counts one executed op against the step limit.
  mlir::LogicalResult takeStep(mlir::Operation *op);

  Run &run;
  std::vector<Datum> slots;
  std::optional<Failure> error;
  /// Whether this is a grid point; nested grids use a single thread.
  bool worker = false;
};

/// A tile of zeros with the type of result `n`.
TilePtr makeResult(const Instruction &instruction, unsigned n = 0);

/// The trip count of a loop.
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

/// The grid of the scf.forall `in`, with dynamic bounds taken from `frame`.
mlir::FailureOr<Grid> makeGrid(Frame &frame, const Instruction &in);

/// Distributes grid points to threads in ascending order and keeps the failure
/// of the lowest point. The reported failure does not depend on the number of
/// threads: all points below a failed one have been distributed and are
/// completed.
class GridQueue {
public:
  explicit GridQueue(uint64_t numPoints) : numPoints(numPoints) {}

  /// The next point, or none if no points are left or one has failed.
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

/// The part of one row of a box that is inside the array, in elements.
struct Run1D {
  /// Offsets of the first element in the tile and in the array.
  int64_t tileAt;
  int64_t arrayAt;
  int64_t count;
  /// Stride in the array.
  int64_t stride;
};

/// How the first dimension of a box counts through dimension `outer` of the
/// array and the one that it covers (tile::Merge). The start in `outer` is the
/// number of the box's first element; elements from `limit` on are outside.
struct MergedRows {
  int64_t outer, width, limit;
};

/// A box of shape `shape` at `start` in an array. It may exceed the array.
struct Box {
  const Argument &array;
  llvm::ArrayRef<int64_t> start;
  llvm::ArrayRef<int64_t> shape;
  std::optional<MergedRows> merged = std::nullopt;

  /// Calls `visit` with the part of each row that is inside the array; rows are
  /// along the box's last dimension.
  void forEachRun(llvm::function_ref<void(const Run1D &)> visit) const;

private:
  /// Visits each row of a box with merged rows.
  void forEachMergedRun(llvm::function_ref<void(const Run1D &)> visit) const;
  size_t lead() const { return start.size() - shape.size(); }
  /// The array offset of the row at `at` in the box's outer dimensions, if it
  /// is inside the array.
  std::optional<int64_t> getOuterOffset(llvm::ArrayRef<int64_t> at) const;
};

/// The memref of a tile.load or tile.store with its dimensions reordered, so
/// that the tile covers the last ones, and its sizes reduced to the bounds.
class Window {
public:
  /// `operands` are the operands of the op.
  Window(const Frame &frame, tile::LoadOp op, llvm::ArrayRef<Slot> operands);
  Window(const Frame &frame, tile::StoreOp op, llvm::ArrayRef<Slot> operands);
  /// `operands` are a memref and its indices; `dims` are those of a tile of
  /// rank `tileRank`.
  Window(const Frame &frame, std::optional<llvm::ArrayRef<int64_t>> dims,
         int64_t tileRank, llvm::ArrayRef<Slot> operands);

  Box getBox(llvm::ArrayRef<int64_t> shape) const {
    return {array, start, shape, merged};
  }

private:
  /// `operands` are the memref, the indices and the bounds.
  void init(const Frame &frame, llvm::ArrayRef<Slot> operands,
            std::optional<llvm::ArrayRef<int64_t>> dims, int64_t tileRank,
            std::optional<tile::Merge> merge = std::nullopt);

  Argument array;
  llvm::SmallVector<int64_t> start;
  std::optional<MergedRows> merged;
};

/// Copies the part of `box` that is inside its array to `tile`, starting at
/// element `at` of the tile. Other elements of the tile are unchanged.
void readBox(const Box &box, DenseTile &tile, int64_t at = 0);

/// Copies `tile` to the part of `box` that is inside its array.
void writeBox(const Box &box, const DenseTile &tile);

/// The indices of an element. With `dim` 0, `row` counts through the leading
/// dimensions in row-major order, otherwise it is the index in dimension `dim`;
/// `rest` are the indices in the other ones.
llvm::SmallVector<int64_t> locateRow(const Argument &array, int64_t row,
                                     llvm::ArrayRef<int64_t> rest, size_t dim);

/// How `rows`, which count through dimensions `first` to `last`, differ from
/// what `block` promises (tile.gather): rows from `block` on inside the array,
/// and in one block of dimension `last`. Empty if they do not.
std::string findBlockFault(const Argument &array, const DenseTile &rows,
                           int64_t block, size_t first, size_t last);

/// Gathers rows of an array by index (locateRow). Rows outside the array leave
/// the tile unchanged.
void readRows(const Argument &array, const DenseTile &rows,
              llvm::ArrayRef<int64_t> rest, size_t dim, DenseTile &tile);

/// The offset of the element at `indices`, in elements. If it is outside the
/// array, returns none and sets `error`.
std::optional<int64_t> locateElement(const Argument &array,
                                     llvm::ArrayRef<int64_t> indices,
                                     std::string &error);

/// The address of the element at `offset`, in elements.
inline char *getAddress(const Argument &array, int64_t offset) {
  return static_cast<char *>(array.data) +
         offset * static_cast<int64_t>(getByteWidth(array.elementType));
}

} // namespace mla::interp

#endif // MLA_INTERPRETER_PROGRAM_H
