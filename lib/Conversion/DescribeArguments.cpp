//===- DescribeArguments.cpp - arguments of the launch ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"
#include "ProgramDescriber.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;
using runtime::ArgumentDescriptor;
using runtime::KernelDescriptor;
using runtime::WorkspaceDescriptor;

std::string mla::getArgumentName(func::FuncOp func, unsigned number) {
  if (auto name = func.getArgAttrOfType<StringAttr>(number, kArgNameAttr))
    return name.str();
  return "arg" + std::to_string(number);
}

static func::FuncOp getFunction(BlockArgument arg) {
  return cast<func::FuncOp>(arg.getOwner()->getParentOp());
}

static bool isWorkspace(BlockArgument arg) {
  return getFunction(arg).getArgAttr(arg.getArgNumber(), kArgWorkspaceAttr) !=
         nullptr;
}

/// The element type as the descriptor spells it.
static FailureOr<mlaDType> getDType(BlockArgument arg) {
  std::string name;
  llvm::raw_string_ostream(name) << getElementTypeOrSelf(arg.getType());
  if (std::optional<mlaDType> dtype = runtime::parseDType(name))
    return *dtype;
  return getFunction(arg).emitOpError()
         << "argument " << getArgumentName(getFunction(arg), arg.getArgNumber())
         << ": expected an element type that a package knows, got " << name;
}

/// Bytes that the kernel's accesses to `memref` are aligned to.
static int64_t getAlignment(Value memref) {
  int64_t width =
      cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  int64_t alignment = width;
  for (Operation *user : memref.getUsers()) {
    if (isa<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::TensorMapOp,
            cta::BulkLoadOp, cta::BulkStoreOp>(user))
      return 16;
    if (auto load = dyn_cast<tile::LoadOp>(user))
      alignment = std::max(alignment, getAccessBytes(load));
    if (auto store = dyn_cast<tile::StoreOp>(user)) {
      Type type = store.getTile().getType();
      if (!cta::getDirectLayout(type) &&
          cast<RankedTensorType>(type).getRank() == 2)
        return 16;
      alignment = std::max(alignment, getAccessBytes(store));
    }
  }
  return alignment;
}

/// Whether the kernel reads elements, and not only sizes, of `memref`.
static bool isRead(Value memref) {
  return llvm::any_of(memref.getUsers(), [](Operation *user) {
    return !isa<memref::DimOp, cta::TensorMapOp, tile::StoreOp,
                cta::StoreAsyncOp, cta::BulkStoreOp, cta::StoreReleaseOp>(user);
  });
}

/// The properties that have to be equal in all kernels; the others are merged.
static std::string printForm(const KernelDescriptor &program,
                             const ArgumentDescriptor &argument) {
  std::string text = runtime::dtypeName(argument.dtype);
  if (!argument.isTensor)
    return text + " scalar";
  text += "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(argument.shape, os, [&](const runtime::Size &size) {
    if (size.isFixed())
      os << size.fixed;
    else
      os << program.sizeNames[size.symbol];
  });
  os << "], strides [";
  llvm::interleaveComma(argument.strides, os, [&](std::optional<int64_t> s) {
    if (s)
      os << *s;
    else
      os << "?";
  });
  os << "]" << (argument.optional ? ", optional" : "");
  return text;
}

static std::string printForm(const KernelDescriptor &,
                             const WorkspaceDescriptor &workspace) {
  std::string text = "workspace ";
  text += runtime::dtypeName(workspace.dtype);
  text += "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(
      workspace.shape, os,
      [&](const runtime::Expression &size) { os << size.text(); });
  os << "]";
  return text;
}

template <typename Descriptor>
FailureOr<Descriptor *> ProgramDescriber::merge(std::vector<Descriptor> &list,
                                                Descriptor found,
                                                func::FuncOp func) {
  auto [place, isNew] = firstUser.try_emplace(found.name, func);
  if (isNew) {
    list.push_back(std::move(found));
    return &list.back();
  }
  auto known = llvm::find_if(
      list, [&](const Descriptor &d) { return d.name == found.name; });
  std::string mine = printForm(program, found), theirs;
  if (known != list.end())
    theirs = printForm(program, *known);
  if (mine == theirs)
    return &*known;
  if (theirs.empty())
    theirs = "something else";
  func.emitOpError() << "disagrees with kernel '" << place->second.getSymName()
                     << "' on argument '" << found.name << "': expected "
                     << theirs << ", got " << mine;
  return failure();
}

LogicalResult ProgramDescriber::addTensor(KernelInterface &kernel,
                                          BlockArgument arg) {
  func::FuncOp func = kernel.func;
  auto type = cast<MemRefType>(arg.getType());
  unsigned i = arg.getArgNumber();
  FailureOr<mlaDType> dtype = getDType(arg);
  if (failed(dtype))
    return failure();
  ArgumentDescriptor tensor;
  tensor.name = getArgumentName(func, i);
  tensor.dtype = *dtype;
  tensor.optional = func.getArgAttr(i, kArgOptionalAttr) != nullptr;
  auto dims = func.getArgAttrOfType<ArrayAttr>(i, kArgDimsAttr);
  auto [strides, offset] = type.getStridesAndOffset();
  for (int64_t d = 0; d < type.getRank(); ++d) {
    Attribute known =
        dims && d < static_cast<int64_t>(dims.size()) ? dims[d] : Attribute();
    auto name = dyn_cast_or_null<StringAttr>(known);
    if (!type.isDynamicDim(d))
      tensor.shape.push_back({type.getDimSize(d)});
    else if (auto size = dyn_cast_or_null<IntegerAttr>(known))
      tensor.shape.push_back({size.getInt()});
    else
      tensor.shape.push_back(program.namedSize(
          name && !name.empty() ? name.str()
                                : tensor.name + "." + std::to_string(d)));
    tensor.strides.push_back(ShapedType::isDynamic(strides[d])
                                 ? std::nullopt
                                 : std::optional<int64_t>(strides[d]));
  }
  FailureOr<ArgumentDescriptor *> merged =
      merge(program.arguments, std::move(tensor), func);
  if (failed(merged))
    return failure();
  ArgumentDescriptor &known = **merged;
  known.alignment = std::max(known.alignment, getAlignment(arg));
  // A tensor that one kernel writes and a later one reads need not be
  // initialised by the caller: it is written, not read.
  bool reads = isRead(arg);
  if (kernel.written.contains(arg) && known.access == MLA_READ)
    known.access =
        reads || read.contains(known.name) ? MLA_READ_WRITE : MLA_WRITE;
  if (reads)
    read.insert(known.name);
  return success();
}

LogicalResult ProgramDescriber::addWorkspace(KernelInterface &kernel,
                                             BlockArgument arg) {
  func::FuncOp func = kernel.func;
  auto type = cast<MemRefType>(arg.getType());
  unsigned i = arg.getArgNumber();
  FailureOr<mlaDType> dtype = getDType(arg);
  if (failed(dtype))
    return failure();
  WorkspaceDescriptor workspace;
  workspace.name = getArgumentName(func, i);
  workspace.dtype = *dtype;
  auto error = [&] {
    return func.emitOpError() << "workspace '" << workspace.name << "': ";
  };
  if (!type.getLayout().isIdentity())
    return error() << "expected a memref without a layout, got " << type;
  auto dims = func.getArgAttrOfType<ArrayAttr>(i, kArgDimsAttr);
  for (int64_t d = 0; d < type.getRank(); ++d) {
    if (!type.isDynamicDim(d)) {
      workspace.shape.emplace_back(type.getDimSize(d));
      continue;
    }
    StringAttr text;
    if (dims && d < static_cast<int64_t>(dims.size()))
      text = dyn_cast<StringAttr>(dims[d]);
    if (!text || text.empty())
      return error() << "expected an expression for dimension " << d << " in "
                     << kArgDimsAttr;
    runtime::Status status = runtime::Expression::parse(
        text.getValue(), program.sizeNames, workspace.shape.emplace_back());
    if (!status.ok())
      return error() << status.message();
  }
  if (kernel.written.contains(arg))
    written.insert(workspace.name);
  else if (isRead(arg) && !written.contains(workspace.name))
    return error() << "expected an earlier kernel that writes it, got none";
  FailureOr<WorkspaceDescriptor *> merged =
      merge(program.workspaces, std::move(workspace), func);
  if (failed(merged))
    return failure();
  (*merged)->alignment = std::max((*merged)->alignment, getAlignment(arg));
  return success();
}

LogicalResult ProgramDescriber::addScalar(KernelInterface &kernel,
                                          BlockArgument arg) {
  FailureOr<mlaDType> dtype = getDType(arg);
  if (failed(dtype))
    return failure();
  ArgumentDescriptor scalar;
  scalar.name = getArgumentName(kernel.func, arg.getArgNumber());
  scalar.isTensor = false;
  scalar.dtype = *dtype;
  FailureOr<ArgumentDescriptor *> merged =
      merge(program.arguments, std::move(scalar), kernel.func);
  if (failed(merged))
    return failure();
  (*merged)->positive |=
      kernel.func.getArgAttr(arg.getArgNumber(), kArgPositiveAttr) != nullptr;
  return success();
}

/// Checks that names are unique in a function and, since kernels' arguments are
/// matched by name, that all arguments of several kernels have one.
LogicalResult ProgramDescriber::checkNames(KernelInterface &kernel) {
  llvm::StringSet<> seen;
  func::FuncOp func = kernel.func;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    if (kernels.size() > 1 && !func.getArgAttr(i, kArgNameAttr))
      return func.emitOpError()
             << "argument " << i << ": expected " << kArgNameAttr
             << " on every argument of a program of several kernels";
    std::string name = getArgumentName(func, i);
    if (!seen.insert(name).second)
      return func.emitOpError() << "expected arguments with names of their "
                                   "own, got '"
                                << name << "' again";
  }
  return success();
}

LogicalResult ProgramDescriber::addArguments(KernelInterface &kernel,
                                             bool workspaces) {
  for (BlockArgument arg : kernel.func.getArguments()) {
    if (isWorkspace(arg) != workspaces)
      continue;
    if (workspaces && !isa<MemRefType>(arg.getType()))
      return kernel.func.emitOpError() << "expected " << kArgWorkspaceAttr
                                       << " on memrefs, got " << arg.getType();
    LogicalResult added = workspaces ? addWorkspace(kernel, arg)
                          : isa<MemRefType>(arg.getType())
                              ? addTensor(kernel, arg)
                              : addScalar(kernel, arg);
    if (failed(added))
      return failure();
  }
  return success();
}

int ProgramDescriber::indexOf(BlockArgument arg) const {
  std::string name = getArgumentName(getFunction(arg), arg.getArgNumber());
  auto in = [&](const auto &list) {
    return static_cast<int>(
        llvm::find_if(list, [&](const auto &d) { return d.name == name; }) -
        list.begin());
  };
  return isWorkspace(arg) ? static_cast<int>(program.arguments.size()) +
                                in(program.workspaces)
                          : in(program.arguments);
}
