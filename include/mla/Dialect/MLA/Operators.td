//===- Operators.td - operator declarations ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An operator is a record of the class MLA_Operator with its sizes, operands and
// options. mlir-tblgen generates the op's arguments, syntax and verifier from the
// record. lib/Operators/table.py generates the C++ table that all other code
// reads (mla/Operators/OperatorTable.h), the reference page and the Python table.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_OPERATORS_TD
#define MLA_DIALECT_MLA_OPERATORS_TD

include "mla/Dialect/MLA/MLA.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

def MLA_OperatorInterface : OpInterface<"OperatorInterface"> {
  let cppNamespace = "::mla";
  let description = [{
    Interface of all operators of the dialect, used by passes, the compiler and
    the tools. The verifier checks operands and options against the operator's
    table.
  }];
  let methods = [
    StaticInterfaceMethod<
      "The operator's table, schedules and cost model.",
      "const ::mla::Operator &", "getOperator">,
    InterfaceMethod<
      "The values of the table's operands, null for an absent one.",
      "::llvm::SmallVector<::mlir::Value>", "getTableOperands", (ins), "", [{
        ::llvm::SmallVector<::mlir::Value> values;
        for (unsigned i = 0, e = $_op.getOperator().table.operands.size();
             i < e; ++i) {
          auto range = $_op.getODSOperands(i);
          values.push_back(range.empty() ? ::mlir::Value() : *range.begin());
        }
        return values;
      }]>,
    InterfaceMethod<
      "The schedule, or null.",
      "::mla::ScheduleAttr", "getScheduleAttr">,
    InterfaceMethod<
      "Sets the schedule.",
      "void", "setScheduleAttr", (ins "::mla::ScheduleAttr":$schedule)>,
    InterfaceMethod<[{
        Replaces the op by its tile program, one `scf.forall` with labelled ops
        (`--mla-tile`). Emits an error on failure.
      }],
      "::llvm::LogicalResult", "buildTileProgram",
      (ins "const ::mla::TilingOptions &":$options)>,
    StaticInterfaceMethod<
      "Whether the operator is a program of several kernels.",
      "bool", "isProgram", (ins), "", [{ return false; }]>,
    InterfaceMethod<[{
        Prepares an operator that is a program of several kernels
        (`--mla-expand-operators`): adds workspaces to the arguments of `func`,
        which contains the op, and the functions of the other kernels beside it.
        Emits an error on failure.
      }],
      "::llvm::LogicalResult", "expandProgram",
      (ins "::mlir::func::FuncOp":$func), "", [{ return ::llvm::success(); }]>];
  let verify = [{
    return ::mla::verifyOperator(::llvm::cast<::mla::OperatorInterface>($_op));
  }];
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// A named dimension, shared by operands. Kernels support `smallest` to
/// `largest`, both inclusive.
class MLA_Size<string sizeName, string sizeDoc, int smallest, int largest,
               string otherName> {
  string name = sizeName;
  string doc = sizeDoc;
  int least = smallest;
  int most = largest;
  /// Alternative name on the command line.
  string alias = otherName;
  /// Must be static in the IR.
  bit isStatic = 0;
  /// Default value; 0 if it is a run-time size by default.
  int usual = 0;
  /// The value that the cost model assumes for a run-time size.
  int typical = 0;
  /// Part of the tuning key.
  bit isTuned = 0;
}

/// A size that is known at compile time.
class MLA_StaticSize<string name, int default, string doc, int least = 1,
                     int most = 0x7fffffff, string alias = "">
    : MLA_Size<name, doc, least, most, alias> {
  let isStatic = 1;
  let usual = default;
  let isTuned = 1;
}

/// A size that may be known at launch only. `atRunTime`: the value that the cost
/// model then assumes.
class MLA_RunTimeSize<string name, int atRunTime, string doc, int least = 0,
                      int most = 0x7fffffff, bit tuned = 0, string alias = "">
    : MLA_Size<name, doc, least, most, alias> {
  let typical = atRunTime;
  let isTuned = tuned;
}

/// A size that is known at compile time by default, but need not be in all forms
/// of the operator.
class MLA_MostlyStaticSize<string name, int default, int atRunTime, string doc>
    : MLA_Size<name, doc, 0, 0x7fffffff, ""> {
  let usual = default;
  let typical = atRunTime;
  let isTuned = 1;
}

/// A size of which kernels support a single value.
class MLA_FixedSize<string name, int value, string doc>
    : MLA_Size<name, doc, value, value, ""> {
  let usual = value;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The element types of an operand, the default first. Operands with the same
/// `variable` have the same element type; with several types the variable is an
/// option of the operator.
class MLA_Elements<list<string> typeList, string typeVariable = ""> {
  list<string> types = typeList;
  string variable = typeVariable;
}

def MLA_F32 : MLA_Elements<["f32"]>;
def MLA_I32 : MLA_Elements<["i32"]>;

/// An operand: a memref with the named sizes as dimensions, or a scalar.
class MLA_Operand<string operandName, MLA_Elements elementTypes,
                  list<string> dimensions, string operandDoc> {
  string name = operandName;
  MLA_Elements elements = elementTypes;
  list<string> dims = dimensions;
  string doc = operandDoc;
  bit isScalar = 0;
  bit isOptional = 0;
  bit isWritten = 0;
  /// Scalars only: the value must be above 0.
  bit isPositive = 0;
  /// Which strides it may have: "Rows" (the last is 1), "Contiguous", "Strided"
  /// (any).
  string layout = "Rows";
  /// Optional operands only: present by default; never omitted by a launch,
  /// since the presence selects a form of the operator; presence is part of the
  /// tuning key.
  bit isUsual = 0;
  bit isForm = 0;
  bit isTuned = 0;
  /// Alternative name on the command line.
  string alias = "";
  TypeConstraint constraint = AnyMemRef;
}

class MLA_Input<string name, MLA_Elements elements, list<string> dims,
                string doc, string strides = "Rows">
    : MLA_Operand<name, elements, dims, doc> {
  let layout = strides;
}

/// An input that may be absent, which is the default. With the attribute
/// `<name>_optional` each launch may omit it; its sizes are then 0.
class MLA_OptionalInput<string name, MLA_Elements elements, list<string> dims,
                        string doc, bit tuned = 0, string otherName = "">
    : MLA_Operand<name, elements, dims, doc> {
  let isOptional = 1;
  let isTuned = tuned;
  let alias = otherName;
  let constraint = Optional<AnyMemRef>;
}

/// An input whose presence selects a form of the operator, so that a launch
/// cannot omit it.
class MLA_FormInput<string name, MLA_Elements elements, list<string> dims,
                    string doc, bit usual = 0, bit tuned = 0,
                    string strides = "Rows">
    : MLA_OptionalInput<name, elements, dims, doc, tuned> {
  let isForm = 1;
  let isUsual = usual;
  let layout = strides;
}

class MLA_Output<string name, MLA_Elements elements, list<string> dims,
                 string doc, string strides = "Rows">
    : MLA_Operand<name, elements, dims, doc> {
  let isWritten = 1;
  let layout = strides;
}

/// An output that may be absent; it is present by default. With the attribute
/// `<name>_optional` each launch may omit it; its sizes are then 0, so stores to
/// it write nothing if their bounds are the sizes of this operand.
class MLA_OptionalOutput<string name, MLA_Elements elements, list<string> dims,
                         string doc> : MLA_Output<name, elements, dims, doc> {
  let isOptional = 1;
  let isUsual = 1;
  let constraint = Optional<AnyMemRef>;
}

class MLA_PositiveScalar<string name, string doc>
    : MLA_Operand<name, MLA_F32, [], doc> {
  let isScalar = 1;
  let isPositive = 1;
  let constraint = F32;
}

/// A string attribute with one of several values, the default first. A tuned one
/// is part of the tuning key.
class MLA_Option<string optionName, list<string> optionValues,
                 string optionDoc, bit tuned = 0> {
  bit isTuned = tuned;
  string name = optionName;
  list<string> values = optionValues;
  string doc = optionDoc;
}

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

/// The syntax of required operands: "`(` $a `,` $b `:` type($a) `,` type($b) `)`".
class MLA_OperandSyntax<list<MLA_Operand> operands> {
  string text = "`(` " #
      !interleave(!foreach(o, operands, "$" # o.name), " `,` ") # " `:` " #
      !interleave(!foreach(o, !filter(p, operands, !not(p.isScalar)),
                           "type($" # o.name # ")"), " `,` ") # " `)`";
}

/// The syntax of optional operands: "(`a` `(` $a^ `:` type($a) `)`)?".
class MLA_OptionalSyntax<list<MLA_Operand> operands> {
  string text = !interleave(!foreach(o, operands,
      " (`" # o.name # "` `(` $" # o.name # "^ `:` type($" # o.name #
      ") `)`)?"), "");
}

/// The syntax is
///
///   mla.NAME ins(...) OPTIONAL_INPUT(...) outs(...) OPTIONAL_OUTPUT(...)
class MLA_Operator<string mnemonic>
    : Op<MLA_Dialect, mnemonic,
         [MemoryEffects<[MemRead, MemWrite]>, MLA_OperatorInterface]> {
  list<MLA_Size> sizes = [];
  list<MLA_Operand> operands = [];
  list<MLA_Option> options = [];

  list<MLA_Operand> optionals = !filter(o, operands, o.isOptional);
  list<MLA_Operand> inputs =
      !filter(o, operands, !not(!or(o.isOptional, o.isWritten)));
  list<MLA_Operand> outputs =
      !filter(o, operands, !and(o.isWritten, !not(o.isOptional)));
  list<MLA_Operand> optionalInputs = !filter(o, optionals, !not(o.isWritten));
  list<MLA_Operand> optionalOutputs = !filter(o, optionals, o.isWritten);
  /// Those that a launch may omit.
  list<MLA_Operand> omissible = !filter(o, optionals, !not(o.isForm));

  let traits = !listconcat(
      [MemoryEffects<[MemRead, MemWrite]>, MLA_OperatorInterface],
      !if(!gt(!size(optionals), 1), [AttrSizedOperandSegments]<Trait>,
          []<Trait>));
  let arguments = !con(
      !dag(ins, !foreach(o, operands, o.constraint),
           !foreach(o, operands, o.name)),
      (ins OptionalAttr<MLA_ScheduleAttr>:$schedule),
      !dag(ins, !foreach(o, omissible, UnitAttr),
           !foreach(o, omissible, o.name # "_optional")),
      !dag(ins,
           !foreach(o, options,
                    DefaultValuedStrAttr<StrAttr, !head(o.values)>),
           !foreach(o, options, o.name)));
  let assemblyFormat = "`ins` " # MLA_OperandSyntax<inputs>.text #
      MLA_OptionalSyntax<optionalInputs>.text #
      " `outs` " # MLA_OperandSyntax<outputs>.text #
      MLA_OptionalSyntax<optionalOutputs>.text # " attr-dict";
  /// Whether the operator is a program of several kernels, and the op defines
  /// expandProgram() of the interface.
  bit isProgram = 0;
  let extraClassDeclaration = [{
    static const ::mla::Operator &getOperator();
    ::llvm::LogicalResult buildTileProgram(const ::mla::TilingOptions &options);
  }] # !if(isProgram, [{
    static bool isProgram() { return true; }
    ::llvm::LogicalResult expandProgram(::mlir::func::FuncOp func);
  }], "");
}

#endif // MLA_DIALECT_MLA_OPERATORS_TD
