//===- MLA.td - the mla dialect and schedules --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TD
#define MLA_DIALECT_MLA_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"

def MLA_Dialect : Dialect {
  let name = "mla";
  let cppNamespace = "::mla";
  let summary = "operators of multi-head latent attention, and schedules";
  let description = [{
    Operators on memrefs, with the semantics of the published kernels that they
    replace, and the attributes that describe schedules. An operator does not
    mention tiles, warps or barriers: `--mla-tile` lowers it to a `tile` program,
    and `--mla-schedule` assigns the ops of that program to warps according to a
    `#mla.schedule`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 0;
  let hasOperationAttrVerify = 1;
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let extraClassDeclaration = [{
    /// Registers an operator's op. Called by the dialect extension of each
    /// operator (mla/Operators/Operators.h).
    template <typename OpTy> void addOperator() {
      addOperations<OpTy>();
      operators.push_back(&OpTy::getOperator());
    }

    /// The operators registered in this context.
    ::llvm::ArrayRef<const ::mla::Operator *> getOperators() const {
      return operators;
    }

  private:
    ::llvm::SmallVector<const ::mla::Operator *> operators;

  public:
  }];
}

//===----------------------------------------------------------------------===//
// Schedule attributes
//===----------------------------------------------------------------------===//

class MLA_Attr<string name, string attrMnemonic> : AttrDef<MLA_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def MLA_RoleAttr : MLA_Attr<"Role", "role"> {
  let summary = "a group of warps that run the same code";
  let description = [{
    A role of a warp-specialised kernel. `warps` is its number of warps, a
    multiple of 4 (whole warpgroups) if the role issues MMAs (wgmma). `registers`
    is the number of registers per thread (setmaxnreg).

    ```mlir
    #mla.role<"softmax", warps = 4, registers = 216>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "int64_t":$warps,
                        "int64_t":$registers);
  let assemblyFormat =
      "`<` $name `,` `warps` `=` $warps `,` `registers` `=` $registers `>`";
  let genVerifyDecl = 1;
}

def MLA_PlaceAttr : MLA_Attr<"Place", "place"> {
  let summary = "the roles and the pipeline stage of a labelled tile op";
  let description = [{
    One row of a schedule's table. The op labelled `label` runs in `roles`, and so
    do the ops that it decomposes into, labelled `label.part`, unless they have
    rows of their own.

    - `split`: the dimension of the result that is divided equally among the
      roles. Without it every role computes the whole result.
    - `stage`: the stage of the software pipeline of the op's loop. An op of stage
      n runs n iterations later than in the loop as written.
    - `order`: the position within an iteration, ascending; ops with equal
      `order` keep their order.
    - `threads`, `vector`: the layout of a load into registers: the number of
      threads along the tile's last dimension, and the number of consecutive
      elements per thread. With 0 `--mla-assign-layouts` chooses.

    The wait for an asynchronous MMA labelled `x` is labelled `x.wait`.

    ```mlir
    <"qk" in ["wg0", "wg1"], split = 0, stage = 0, order = 1>
    <"qk.wait" in ["wg0", "wg1"], split = 0, stage = 0, order = 3>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$label,
      ArrayRefParameter<"::mlir::StringAttr">:$roles,
      DefaultValuedParameter<"int64_t", "-1">:$split,
      DefaultValuedParameter<"int64_t", "0">:$stage,
      DefaultValuedParameter<"int64_t", "0">:$order,
      DefaultValuedParameter<"int64_t", "0">:$threads,
      DefaultValuedParameter<"int64_t", "0">:$vector);
  let assemblyFormat = [{
    `<` $label `in` `[` $roles `]`
    (`,` struct($split, $stage, $order, $threads, $vector)^)? `>`
  }];
  let genVerifyDecl = 1;
}

def MLA_RingAttr : MLA_Attr<"Ring", "ring"> {
  let summary = "the depth of the shared-memory ring of a value";
  let description = [{
    Roles pass the result of the op labelled `label` through a shared-memory ring
    of `depth` slots. A value without a row gets one slot. `depth = 2 to 3` is a
    minimum and a maximum: `--mla-stage-shared` grows rings to their maximum in
    the order of the rows while shared memory remains.

    `aliases = "k", byte = 32768` places the ring's only slot inside the only slot of
    the ring of `k`, 32,768 bytes from its start, to save shared memory. That part
    of `k` must be dead when it is overwritten: the role that writes this ring has
    read it, and the roles that read this ring release `k` afterwards.

    ```mlir
    rings = [<"k", depth = 2 to 3>, <"p", depth = 1, aliases = "k", byte = 32768>]
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$label, "int64_t":$depth,
      DefaultValuedParameter<"int64_t", "0">:$most,
      OptionalParameter<"::mlir::StringAttr">:$aliases,
      DefaultValuedParameter<"int64_t", "-1">:$byte);
  let assemblyFormat = [{
    `<` $label `,` `depth` `=` $depth (`to` $most^)?
    (`,` `aliases` `=` $aliases^ `,` `byte` `=` $byte)? `>`
  }];
  let genVerifyDecl = 1;
}

def MLA_ScheduleAttr : MLA_Attr<"Schedule", "schedule"> {
  let summary = "roles, and the role and stage of each labelled op";
  let description = [{
    `--mla-schedule` assigns the ops of a tile program to roles as the schedule
    says. The verifier checks that every row names a role of the schedule and that
    the registers fit an SM: the sum of 32 * warps * registers over the roles is at
    most 65,536.

    - `tile`: tile sizes of the operator by name, such as `block_kv`, the number of KV
      rows per tile. A missing one has the operator's default.
    - `after`: passes that rewrite the tile program before the ops are assigned:
      `"pair-tiles"` enables `--mla-pair-tiles`. A pass that is not named does
      nothing.
    - `roles`, `table`, `rings`: see the attributes above.

    ```mlir
    #mla.schedule<"example" tile = {block_kv = 64} after ["lazy-rescale"],
      roles = [<"wg0", warps = 4, registers = 224>,
               <"wg1", warps = 4, registers = 224>,
               <"producer", warps = 4, registers = 56>],
      table = [<"k" in ["producer"]>,
               <"qk" in ["wg0", "wg1"], split = 0>],
      rings = [<"k", depth = 2>]>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$name,
      OptionalParameter<"::mlir::DictionaryAttr">:$tile,
      ArrayRefParameter<"::mla::RoleAttr">:$roles,
      ArrayRefParameter<"::mla::PlaceAttr">:$table,
      OptionalArrayRefParameter<"::mla::RingAttr">:$rings,
      OptionalArrayRefParameter<"::mlir::StringAttr">:$rewrites);
  let assemblyFormat = [{
    `<` $name (`tile` `=` custom<TileSizes>($tile)^)? (`after` `[` $rewrites^ `]`)? `,` `roles` `=` `[` $roles `]` `,`
    `table` `=` `[` $table `]` (`,` `rings` `=` `[` $rings^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The tile size `name`, if the schedule sets it.
    ::std::optional<int64_t> getTileSize(::llvm::StringRef name) const;
    /// The row of `label`, else of its longest dotted prefix that has one, else
    /// null.
    ::mla::PlaceAttr lookup(::llvm::StringRef label) const;
    /// Whether the schedule enables the pass `rewrite`.
    bool asksFor(::llvm::StringRef rewrite) const;
    /// The row of the ring of the value labelled `label`, or null.
    ::mla::RingAttr getRing(::llvm::StringRef label) const;
    /// The depth of the ring of the value labelled `label`; 1 without a row.
    int64_t getDepth(::llvm::StringRef label) const;
    /// The role named `name`, or null.
    ::mla::RoleAttr getRole(::llvm::StringRef name) const;
  }];
}

#endif // MLA_DIALECT_MLA_TD
