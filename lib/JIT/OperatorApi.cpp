//===- OperatorApi.cpp - operators by the C interface ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ApiStructs.h"

using namespace mla;
using runtime::invalidArgument;
using runtime::Status;

// The structs are part of the ABI: fields are added at the end only.
static_assert(sizeof(mlaNamedSize) == 16, "ABI of mlaNamedSize");
static_assert(sizeof(mlaNamedOption) == 16, "ABI of mlaNamedOption");
static_assert(sizeof(mlaOperator) == 48, "ABI of mlaOperator");
static_assert(sizeof(mlaOperatorInfo) == 40, "ABI of mlaOperatorInfo");
static_assert(sizeof(mlaOperandInfo) == 176, "ABI of mlaOperandInfo");
static_assert(sizeof(mlaSizeInfo) == 56, "ABI of mlaSizeInfo");
static_assert(sizeof(mlaOptionInfo) == 96, "ABI of mlaOptionInfo");

//===----------------------------------------------------------------------===//
// An operator that is to be compiled
//===----------------------------------------------------------------------===//

static Status faultOf(const std::string &fault) {
  return fault.empty() ? Status() : invalidArgument("'source.op': " + fault);
}

/// `entries` may be null if there are none.
template <typename T>
static Status checkList(const char *name, const T *entries, size_t count) {
  if (!entries && count)
    return nullArgument(name);
  for (size_t i = 0; i < count; ++i)
    if (!entries[i].name)
      return nullArgument(
          llvm::formatv("{0}[{1}].name", name, i).str().c_str());
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < i; ++j)
      if (llvm::StringRef(entries[i].name) == entries[j].name)
        return invalidArgument(
            llvm::formatv("'{0}[{1}].name': expected '{2}' once", name, i,
                          entries[i].name)
                .str());
  return Status();
}

Status mla::readOperator(const mlaOperator *in,
                         std::optional<OperatorSpec> &out) {
  mlaOperator op = MLA_OPERATOR_INIT;
  MLA_RETURN_IF_ERROR(readStruct("source.op", in, op));
  if (!op.name)
    return nullArgument("source.op.name");
  const Operator *known = findOperator(getOperators(), op.name);
  if (!known)
    return invalidArgument("'source.op.name': unknown operator '" +
                           std::string(op.name) + "', expected " +
                           listOperators(getOperators(), op.name));
  MLA_RETURN_IF_ERROR(checkList("source.op.sizes", op.sizes, op.sizeCount));
  MLA_RETURN_IF_ERROR(
      checkList("source.op.options", op.options, op.optionCount));
  out.emplace(*known);
  for (size_t i = 0; i < op.sizeCount; ++i) {
    int64_t value = op.sizes[i].value;
    MLA_RETURN_IF_ERROR(faultOf(out->setSize(
        op.sizes[i].name,
        value == MLA_DYNAMIC ? std::nullopt : std::optional(value))));
  }
  for (size_t i = 0; i < op.optionCount; ++i) {
    if (!op.options[i].value)
      return nullArgument(
          llvm::formatv("source.op.options[{0}].value", i).str().c_str());
    MLA_RETURN_IF_ERROR(
        faultOf(out->setOption(op.options[i].name, op.options[i].value)));
  }
  return Status();
}

//===----------------------------------------------------------------------===//
// What operators there are
//===----------------------------------------------------------------------===//

/// Entry `index` of a list, or an error that names the argument.
template <typename List>
static Status checkIndex(const char *name, int32_t index, const List &list) {
  if (index >= 0 && static_cast<size_t>(index) < list.size())
    return Status();
  return invalidArgument(
      llvm::formatv("'{0}': expected 0 to {1}, got {2}", name,
                    static_cast<int64_t>(list.size()) - 1, index)
          .str());
}

/// Checks the arguments of a function that describes entry `at` of an
/// operator's `list`, and calls `fill` with the entry.
template <typename T, typename Info, typename Fill>
static mlaStatus getEntry(int32_t index, TableList<T> OperatorTable::*list,
                          const char *name, int32_t at, Info *info, Fill fill) {
  return runtime::reportStatus([&]() -> Status {
    MLA_RETURN_IF_ERROR(checkOutput("info", info));
    MLA_RETURN_IF_ERROR(checkIndex("index", index, getOperators()));
    TableList<T> entries = getOperators()[index]->table.*list;
    MLA_RETURN_IF_ERROR(checkIndex(name, at, entries));
    fill(entries[at]);
    return Status();
  }());
}

template <size_t N>
static void copyTexts(TableList<std::string_view> texts,
                      const char *(&out)[N]) {
  std::fill(std::begin(out), std::end(out), nullptr);
  for (size_t i = 0; i < std::min(N, texts.size()); ++i)
    out[i] = texts[i].data();
}

extern "C" {

int32_t mlaOperatorCount(void) {
  return static_cast<int32_t>(getOperators().size());
}

mlaStatus mlaOperatorGetInfo(int32_t index, mlaOperatorInfo *info) {
  return runtime::reportStatus([&]() -> Status {
    MLA_RETURN_IF_ERROR(checkOutput("info", info));
    MLA_RETURN_IF_ERROR(checkIndex("index", index, getOperators()));
    const OperatorTable &table = getOperators()[index]->table;
    info->name = table.name.data();
    info->summary = table.summary.data();
    info->operandCount = static_cast<int32_t>(table.operands.size());
    info->sizeCount = static_cast<int32_t>(table.sizes.size());
    info->optionCount = static_cast<int32_t>(table.options.size());
    return Status();
  }());
}

mlaStatus mlaOperatorGetOperand(int32_t index, int32_t operand,
                                mlaOperandInfo *info) {
  return getEntry(index, &OperatorTable::operands, "operand", operand, info,
                  [&](const OperandInfo &found) {
                    info->name = found.name.data();
                    info->summary = found.doc.data();
                    info->isOptional = found.isOptional;
                    info->isWritten = found.isWritten;
                    info->rank = static_cast<int32_t>(found.dims.size());
                    info->elementTypeCount =
                        static_cast<int32_t>(found.elements.size());
                    copyTexts(found.elements, info->elementTypes);
                    info->elementTypeOption = found.elements.size() > 1
                                                  ? found.typeVariable.data()
                                                  : nullptr;
                    copyTexts(found.dims, info->sizeNames);
                  });
}

mlaStatus mlaOperatorGetSize(int32_t index, int32_t size, mlaSizeInfo *info) {
  return getEntry(index, &OperatorTable::sizes, "size", size, info,
                  [&](const SizeInfo &found) {
                    info->name = found.name.data();
                    info->summary = found.doc.data();
                    info->defaultValue =
                        found.usual ? found.usual : MLA_DYNAMIC;
                    info->least = found.least;
                    info->most = found.most;
                    info->mayBeDynamic = !found.isStatic && !found.isFixed();
                  });
}

mlaStatus mlaOperatorGetOption(int32_t index, int32_t option,
                               mlaOptionInfo *info) {
  return getEntry(index, &OperatorTable::options, "option", option, info,
                  [&](const OptionInfo &found) {
                    info->name = found.name.data();
                    info->summary = found.doc.data();
                    info->valueCount =
                        static_cast<int32_t>(found.values.size());
                    copyTexts(found.values, info->values);
                  });
}

} // extern "C"
