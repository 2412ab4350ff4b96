//===- Operators.td - how an operator is declared ----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An operator is a record of the class MLA_Operator: its sizes, operands and
// options. From the record follow the op's arguments, syntax and verifier
// (mlir-tblgen), and the C++ table that all other code goes by
// (lib/Operators/table.py, mla/Operators/OperatorTable.h).
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
    What passes, the compiler and the tools ask an operator of the dialect.
    `verifyOperator` checks the operands and options against the table.
  }];
  let methods = [
    StaticInterfaceMethod<
      "The operator's table, schedules and costs.",
      "const ::mla::Operator &", "getOperator">,
    InterfaceMethod<
      "The values of the table's operands; null for one that is left out.",
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
        Replaces the op by its tile program: one `scf.forall` with labelled ops
        (`--mla-tile`). Fails with an error.
      }],
      "::llvm::LogicalResult", "buildTileProgram",
      (ins "const ::mla::TilingOptions &":$options)>];
  let verify = [{
    return ::mla::verifyOperator(::llvm::cast<::mla::OperatorInterface>($_op));
  }];
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// A size that operands share. Kernels cover `smallest` to `largest` of it.
class MLA_Size<string sizeName, string sizeDoc, int smallest, int largest,
               string otherName> {
  string name = sizeName;
  string doc = sizeDoc;
  int least = smallest;
  int most = largest;
  /// Another name on the command line.
  string alias = otherName;
  /// The IR has to fix it.
  bit isStatic = 0;
  /// The value where nothing else is said; 0: known at run time.
  int usual = 0;
  /// What the cost model goes by where only the launch tells.
  int typical = 0;
  /// Schedules are tuned for each value.
  bit isTuned = 0;
}

class MLA_StaticSize<string name, int default, string doc, int least = 1,
                     int most = 0x7fffffff, string alias = "">
    : MLA_Size<name, doc, least, most, alias> {
  let isStatic = 1;
  let usual = default;
  let isTuned = 1;
}

class MLA_RunTimeSize<string name, int atRunTime, string doc, int least = 0,
                      int most = 0x7fffffff, bit tuned = 0, string alias = "">
    : MLA_Size<name, doc, least, most, alias> {
  let typical = atRunTime;
  let isTuned = tuned;
}

/// A size that kernels cover one value of.
class MLA_FixedSize<string name, int value, string doc>
    : MLA_Size<name, doc, value, value, ""> {
  let usual = value;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The element types of an operand, the usual one first. Operands with the same
/// `variable` have the same type, which is an option of that name if there are
/// several.
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
  /// Of a scalar: the operator is defined for values above 0 alone.
  bit isPositive = 0;
  /// Schedules are tuned with and without it.
  bit isTuned = 0;
  /// Another name on the command line.
  string alias = "";
  TypeConstraint constraint = AnyMemRef;
}

class MLA_Input<string name, MLA_Elements elements, list<string> dims,
                string doc> : MLA_Operand<name, elements, dims, doc>;

/// An input that an operator may do without. `<name>_optional` leaves it to
/// each launch; the size is 0 where it is left out.
class MLA_OptionalInput<string name, MLA_Elements elements, list<string> dims,
                        string doc, bit tuned = 0, string otherName = "">
    : MLA_Operand<name, elements, dims, doc> {
  let isOptional = 1;
  let isTuned = tuned;
  let alias = otherName;
  let constraint = Optional<AnyMemRef>;
}

class MLA_Output<string name, MLA_Elements elements, list<string> dims,
                 string doc> : MLA_Operand<name, elements, dims, doc> {
  let isWritten = 1;
}

class MLA_PositiveScalar<string name, string doc>
    : MLA_Operand<name, MLA_F32, [], doc> {
  let isScalar = 1;
  let isPositive = 1;
  let constraint = F32;
}

/// A string attribute with one of several values, the usual one first.
class MLA_Option<string optionName, list<string> optionValues,
                 string optionDoc> {
  string name = optionName;
  list<string> values = optionValues;
  string doc = optionDoc;
}

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

/// "`(` $a `,` $b `:` type($a) `,` type($b) `)`" of the operands.
class MLA_OperandSyntax<list<MLA_Operand> operands> {
  string text = "`(` " #
      !interleave(!foreach(o, operands, "$" # o.name), " `,` ") # " `:` " #
      !interleave(!foreach(o, !filter(p, operands, !not(p.isScalar)),
                           "type($" # o.name # ")"), " `,` ") # " `)`";
}

class MLA_Operator<string mnemonic>
    : Op<MLA_Dialect, mnemonic,
         [MemoryEffects<[MemRead, MemWrite]>, MLA_OperatorInterface]> {
  list<MLA_Size> sizes = [];
  list<MLA_Operand> operands = [];
  list<MLA_Option> options = [];

  list<MLA_Operand> optionals = !filter(o, operands, o.isOptional);
  list<MLA_Operand> inputs =
      !filter(o, operands, !not(!or(o.isOptional, o.isWritten)));
  list<MLA_Operand> outputs = !filter(o, operands, o.isWritten);

  let traits = !listconcat(
      [MemoryEffects<[MemRead, MemWrite]>, MLA_OperatorInterface],
      !if(!gt(!size(optionals), 1), [AttrSizedOperandSegments]<Trait>,
          []<Trait>));
  let arguments = !con(
      !dag(ins, !foreach(o, operands, o.constraint),
           !foreach(o, operands, o.name)),
      (ins OptionalAttr<MLA_ScheduleAttr>:$schedule),
      !dag(ins, !foreach(o, optionals, UnitAttr),
           !foreach(o, optionals, o.name # "_optional")),
      !dag(ins,
           !foreach(o, options,
                    DefaultValuedStrAttr<StrAttr, !head(o.values)>),
           !foreach(o, options, o.name)));
  let assemblyFormat = "`ins` " # MLA_OperandSyntax<inputs>.text # " " #
      !interleave(!foreach(o, optionals,
          "(`" # o.name # "` `(` $" # o.name # "^ `:` type($" # o.name #
          ") `)`)?"), " ") #
      " `outs` " # MLA_OperandSyntax<outputs>.text # " attr-dict";
  let extraClassDeclaration = [{
    static const ::mla::Operator &getOperator();
    ::llvm::LogicalResult buildTileProgram(const ::mla::TilingOptions &options);
  }];
}

#endif // MLA_DIALECT_MLA_OPERATORS_TD
