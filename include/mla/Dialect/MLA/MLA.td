//===- MLA.td - what attention to compute ------------------*- tablegen -*-===//
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
  let summary = "multi-head latent attention: what to compute";
  let description = [{
    Operators on memrefs, with the semantics of the published kernels they
    replace, and the attributes that choose how they are scheduled. An operator
    says nothing about tiles, warps or barriers; `--mla-tile` turns it into a
    `tile` program.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 0;
  let hasOperationAttrVerify = 1;
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let extraClassDeclaration = [{
    /// Operators are no part of the dialect's library: each adds its op by an
    /// extension of the dialect (mla/Operators/Operators.h).
    template <typename OpTy> void addOperator() {
      addOperations<OpTy>();
      operators.push_back(&OpTy::getOperator());
    }

    /// The operators that were added to the dialect of this context.
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
  let summary = "a group of warps with one program";
  let description = [{
    `registers` is the register budget of each thread (setmaxnreg), `warps` the
    number of warps: a multiple of 4 where the role issues warpgroup products.

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
  let summary = "where and when a labelled tile op runs";
  let description = [{
    One row of a schedule: the op labelled `label` (and the parts it decomposes
    into, labelled `label.part`, unless they have rows of their own) runs in
    `roles`. With `split = d` each of the roles computes an equal part of the
    result's dimension d; otherwise every role in the list computes it whole.

    `stage` and `order` place the op in the software pipeline of its loop: an op
    of stage 1 runs one iteration later than its definition, and within an
    iteration ops run by ascending order, then as written. The wait for an
    asynchronous product labelled `x` is labelled `x.wait`.

    Of a load into registers, `threads` says how many threads stand side by side
    along the tile's last dimension, and `vector` how many neighbouring elements
    each takes; 0 leaves it to `--mla-assign-layouts`.
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
  let summary = "how many slots the shared-memory ring of a value has";
  let description = [{
    The result of the op labelled `label` travels between roles through a ring
    of `depth` slots. Values without a row get one slot. `depth = 2 to 3` asks for
    up to three: `--mla-stage-shared` gives what memory is left to the rings in
    the order of their rows.

    `aliases = "k", byte = 32768`: where shared memory does not suffice otherwise,
    the ring's only slot lies that many bytes into the only slot of the ring of
    `k`, over a part of it that is dead by then: its writer has read it, and who
    reads the slot on top releases the one below afterwards.
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
  let summary = "a schedule: roles, and a table of who does what when";
  let description = [{
    Read by `--mla-schedule`, which places the ops of a tile program into roles
    by it. The verifier checks that every row names a role of the schedule and
    that the register budget fits: the sum over roles of 32 * warps * registers
    is at most 65,536.

    `tile` gives sizes of the operator's tiles by name, such as `block_kv`, the number
    of KV rows; those that are missing have the operator's default. `after` names
    the passes that change the tile program before it is placed (`"pair-tiles"`
    for `--mla-pair-tiles`): they do nothing unless the schedule asks for them.
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
    /// The size `name` of the operator's tiles, if the schedule has it.
    ::std::optional<int64_t> getTileSize(::llvm::StringRef name) const;
    /// The row for `label`: the row of that very label, else that of its longest
    /// dotted prefix, else null.
    ::mla::PlaceAttr lookup(::llvm::StringRef label) const;
    /// Whether the schedule asks for the pass `rewrite`.
    bool asksFor(::llvm::StringRef rewrite) const;
    /// The row of the ring that carries the value of `label`, or null.
    ::mla::RingAttr getRing(::llvm::StringRef label) const;
    /// Slots of the ring that carries the value of `label` (1 without a row).
    int64_t getDepth(::llvm::StringRef label) const;
    /// The role named `name`, or null.
    ::mla::RoleAttr getRole(::llvm::StringRef name) const;
  }];
}

#endif // MLA_DIALECT_MLA_TD
