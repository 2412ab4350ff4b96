//===- Passes.td - passes that lower mla to cta ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_TD
#define MLA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

class FuncPass<string flag> : PassBase<flag, "::mla::ProgramPass"> {
  let dependentDialects = [
    "::mla::MLADialect", "::mla::tile::TileDialect", "::mla::cta::CTADialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def AttachTarget : FuncPass<"mla-attach-target"> {
  let summary = "set the GPU architecture that a function is compiled for";
  let description = [{
    Sets `mla.target`, the name of an entry in the target table
    (`mla/Support/Target.h`), which lists the architecture's shared memory,
    registers and instructions. Later passes check the program against these
    limits. A function without the attribute is compiled for `sm_90a`; a function
    that already has another target is an error.
  }];
  let options = [
    Option<"target", "target", "std::string",
           "std::string(::mla::kDefaultTarget.name)", "GPU to compile for">];
}

def ChooseSchedule : FuncPass<"mla-choose-schedule"> {
  let summary = "attach a schedule to an mla operator";
  let description = [{
    An `mla` operator without a `schedule` attribute gets one: the schedule named
    by the option or, with `auto`, the one in the tuning table for the operator's
    shape and the GPU. Without a table entry, the cost model
    (`mla/Tuning/CostModel.h`) chooses. An operator that already has a schedule
    keeps it.

    The choice also depends on sizes that are known only at run time: reading KV
    rows from memory instead of L2, for example, changes which schedule is
    fastest. `expect-sizes` gives them (`s_kv=8192,topk=512`); the default is the
    typical size in the operator's table, with a KV cache larger than L2.

    `schedule` is the name of a built-in schedule, or a file with one
    `#mla.schedule` attribute, followed by parameters to override:
    `seesaw:block_kv=32:producer.registers=72`. `auto:depth=3` overrides a parameter
    of the chosen schedule.

    ```mlir
    mla.attention ins(...) outs(...)
    // becomes
    mla.attention ins(...) outs(...) {schedule = #mla.schedule<"seesaw" ...>}
    ```
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", "\"auto\"",
           "name or file of a schedule, or auto; :PARAMETER=N overrides a "
           "parameter">,
    Option<"expectSizes", "expect-sizes", "std::string", "\"\"",
           "NAME=N,...: expected values of sizes known only at run time">,
    Option<"gpu", "gpu", "std::string", "\"\"",
           "name of the GPU (H100, H200), if known">,
    Option<"tuningTable", "tuning-table", "std::string", "\"\"",
           "file to use instead of the built-in tuning table">];
}

def ExpandOperators : Pass<"mla-expand-operators", "::mlir::ModuleOp"> {
  let summary = "make a program of an mla operator that takes several kernels";
  let description = [{
    An operator may be a program of several kernels, such as a plan, attention and
    a merge of partial results. For each of them the pass adds a function beside
    the operator's, with the same arguments, and workspaces as arguments of all of
    them. The operator stays in its function: it is the kernel that `--mla-tile`
    lowers. Other functions get their tile program here. An operator that is one
    kernel is unchanged.

    ```mlir
    func.func @attention(%q, %out : ...) { mla.attention ... }
    // becomes
    func.func @attention_plan(%q, %out, %partial : ...) attributes {mla.phase = "plan"} { scf.forall ... }
    func.func @attention(%q, %out, %partial {mla.workspace} : ...) { mla.attention ... }
    func.func @attention_combine(%q, %out, %partial : ...) attributes {mla.programmatic} { scf.forall ... }
    ```
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mla::tile::TileDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def Tile : FuncPass<"mla-tile"> {
  let summary = "lower an mla operator to a tile program";
  let description = [{
    Replaces the `mla` operator of a function by a tile program, built by the
    operator's folder (`lib/Operators/<Name>`): an `scf.forall` over output tiles
    around a loop over tiles of KV rows.

    ```mlir
    mla.attention ins(%q, %kv : ...) outs(%out : ...)
    // becomes
    scf.forall (%tile) in (%tiles) {
      %q_tile = tile.load %q[...] {tile.label = "q"} : ...
      %acc:3 = scf.for %i = ... iter_args(...) {
        %k = tile.gather %kv[%rows] {tile.label = "k"} : ...
        %s = tile.dot %q_tile, %k transpose_b {tile.label = "qk"} : ...
        %p:4 = tile.online_softmax %s ... {tile.label = "softmax"} : ...
        ...
      }
      tile.store ... {tile.label = "out"}
    }
    ```

    An output tile of attention has 64 heads; with a schedule that requests
    `"swap-ab"` up to 32, in multiples of 8. Ops that a schedule can place
    have labels: q, k, valid, qk, mask, softmax, p, rescale, pv, stats, inverse,
    normalise, out. The operator's schedule moves to the function attribute
    `mla.schedule`. Function arguments get the names and dimensions of the
    operands (`mla.name`, `mla.dims`). A scalar that must be positive is marked
    `mla.positive`, because masked scores are set to -inf before they are scaled;
    the runtime rejects other values.

    With a schedule that requests `"lazy-rescale"`, softmax weights refer to a
    running maximum that is updated only when it is exceeded by more than
    `threshold` (`lazy`). The multiplication of the accumulator by the rescale
    factor is then marked `tile.often_one`, and the exact maximum, which is an
    output, is carried separately (`top`).

    Sizes that the operator does not support are errors.
  }];
  let options = [
    Option<"threshold", "threshold", "double", "8",
           "log2 of the factor by which weights may grow before a lazy softmax "
           "rescales">];
}

include "mla/Transforms/TilePasses.td"
include "mla/Transforms/CTAPasses.td"

#endif // MLA_TRANSFORMS_PASSES_TD
