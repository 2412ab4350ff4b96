//===- MLA.td - what attention to compute ------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TD
#define MLA_DIALECT_MLA_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

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
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
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

    `over = "k", byte = 32768`: where shared memory does not suffice otherwise,
    the ring's only slot lies that many bytes into the only slot of the ring of
    `k`, over a part of it that is dead by then: its writer has read it, and who
    reads the slot on top releases the one below afterwards.
  }];
  let parameters = (ins "::mlir::StringAttr":$label, "int64_t":$depth,
      DefaultValuedParameter<"int64_t", "0">:$most,
      OptionalParameter<"::mlir::StringAttr">:$over,
      DefaultValuedParameter<"int64_t", "-1">:$byte);
  let assemblyFormat = [{
    `<` $label `,` `depth` `=` $depth (`to` $most^)?
    (`,` `over` `=` $over^ `,` `byte` `=` $byte)? `>`
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

    `keys` is the number of KV rows of a tile. `after` names the passes that
    change the tile program before it is placed (`"pair-tiles"` for
    `--mla-pair-tiles`): they do nothing unless the schedule asks for them.
  }];
  let parameters = (ins "::mlir::StringAttr":$name,
      DefaultValuedParameter<"int64_t", "64">:$keys,
      ArrayRefParameter<"::mla::RoleAttr">:$roles,
      ArrayRefParameter<"::mla::PlaceAttr">:$table,
      OptionalArrayRefParameter<"::mla::RingAttr">:$rings,
      OptionalArrayRefParameter<"::mlir::StringAttr">:$rewrites);
  let assemblyFormat = [{
    `<` $name (`keys` `=` $keys^)? (`after` `[` $rewrites^ `]`)? `,` `roles` `=` `[` $roles `]` `,`
    `table` `=` `[` $table `]` (`,` `rings` `=` `[` $rings^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
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

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

class MLA_Op<string opMnemonic, list<Trait> traits = []>
    : Op<MLA_Dialect, opMnemonic, traits>;

def MLA_SparsePrefillOp
    : MLA_Op<"sparse_prefill", [AttrSizedOperandSegments,
        MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "sparse MLA forward over the rows that indices name";
  let description = [{
    For each query token and head, softmax attention over the KV rows that
    `indices` names; V is the first d_v columns of a KV row. Semantics are
    FlashMLA's `flash_mla_sparse_fwd`.

    | operand | shape | element |
    | --- | --- | --- |
    | q | [s_q, h_q, d_qk] | bf16 |
    | kv | [s_kv, h_kv, d_qk] | bf16 |
    | indices | [s_q, h_kv, topk] | i32 |
    | scale | scalar, multiplies q k^T | f32 |
    | topk_length (optional) | [s_q] | i32 |
    | attn_sink (optional) | [h_q] | f32 |
    | out | [s_q, h_q, d_v] | bf16 |
    | max_logits, lse | [s_q, h_q] | f32 |

    Entry t of a query counts iff t < topk_length and 0 <= index < s_kv; other
    entries are never dereferenced. A query without a valid entry gets out = 0,
    lse = +inf, max_logits = -inf. The sink enters the output, not the lse.

    The attributes `lse_base` (`"e"`, the default, or `"2"`) and `empty_lse`
    (`"+inf"`, the default, or `"-inf"`) give the base of the logarithm in lse
    and its value for a query without a valid entry. They are part of the launch
    descriptor, so that no kernel is taken for one with another lse.

    With `topk_length_optional` or `attn_sink_optional` a launch may leave that
    operand out. One that is left out has size 0; the kernel then computes what
    one compiled without the operand does. So its size must be a run-time size.

    ```mlir
    mla.sparse_prefill ins(%q, %kv, %indices, %scale : ...)
        topk_length(%len : memref<?xi32>) outs(%out, %max_logits, %lse : ...)
        {lse_base = "2", topk_length_optional}
    ```
  }];
  let arguments = (ins AnyMemRef:$q, AnyMemRef:$kv, AnyMemRef:$indices,
      F32:$scale, Optional<AnyMemRef>:$topkLength,
      Optional<AnyMemRef>:$attnSink, AnyMemRef:$out, AnyMemRef:$maxLogits,
      AnyMemRef:$lse, OptionalAttr<MLA_ScheduleAttr>:$schedule,
      UnitAttr:$topk_length_optional, UnitAttr:$attn_sink_optional,
      DefaultValuedStrAttr<StrAttr, "e">:$lse_base,
      DefaultValuedStrAttr<StrAttr, "+inf">:$empty_lse);
  let assemblyFormat = [{
    `ins` `(` $q `,` $kv `,` $indices `,` $scale `:` type($q) `,` type($kv) `,`
    type($indices) `)`
    (`topk_length` `(` $topkLength^ `:` type($topkLength) `)`)?
    (`attn_sink` `(` $attnSink^ `:` type($attnSink) `)`)?
    `outs` `(` $out `,` $maxLogits `,` $lse `:` type($out) `,`
    type($maxLogits) `,` type($lse) `)` attr-dict
  }];
  let hasVerifier = 1;
}

#endif // MLA_DIALECT_MLA_TD
