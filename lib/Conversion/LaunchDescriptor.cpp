//===- LaunchDescriptor.cpp - what the runtime must know --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GridExpression.h"
#include "MemoryAccess.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;
using runtime::ArgumentDescriptor;
using runtime::EntryDescriptor;
using runtime::KernelDescriptor;
using runtime::ParameterDescriptor;
using runtime::WorkspaceDescriptor;

std::string mla::getArgumentName(func::FuncOp func, unsigned number) {
  if (auto name = func.getArgAttrOfType<StringAttr>(number, kArgNameAttr))
    return name.str();
  return "arg" + std::to_string(number);
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

namespace {
/// Fills in the descriptor of a program. The kernels' arguments are those of
/// the program, matched by name.
class ProgramDescriber {
public:
  explicit ProgramDescriber(ArrayRef<KernelInterface> kernels)
      : kernels(kernels) {}

  FailureOr<KernelDescriptor> run();

private:
  /// Adds the kernel's arguments, or its workspaces.
  LogicalResult addArguments(const KernelInterface &kernel, bool workspaces);
  LogicalResult checkNames(const KernelInterface &kernel);
  /// Adds `found` to `list` unless an argument of its name is there; it is an
  /// error if that one is another.
  template <typename Descriptor>
  FailureOr<Descriptor *> merge(std::vector<Descriptor> &list, Descriptor found,
                                func::FuncOp func);
  LogicalResult addTensor(const KernelInterface &kernel, BlockArgument arg);
  LogicalResult addWorkspace(const KernelInterface &kernel, BlockArgument arg);
  LogicalResult addScalar(const KernelInterface &kernel, BlockArgument arg);
  /// What all functions together say of the operator.
  LogicalResult addOperator(func::FuncOp func);
  LogicalResult addConstants(func::FuncOp func);
  FailureOr<EntryDescriptor> describeEntry(const KernelInterface &kernel);
  std::vector<ParameterDescriptor> describeParameters(func::FuncOp func);
  FailureOr<int> getCluster(const KernelInterface &kernel);
  int indexOf(BlockArgument arg) const;

  ArrayRef<KernelInterface> kernels;
  KernelDescriptor program;
  /// The kernel that an argument or workspace was first seen in.
  llvm::StringMap<func::FuncOp> firstUser;
};
} // namespace

static func::FuncOp getFunction(BlockArgument arg) {
  return cast<func::FuncOp>(arg.getOwner()->getParentOp());
}

static bool isWorkspace(BlockArgument arg) {
  return getFunction(arg).getArgAttr(arg.getArgNumber(), kArgWorkspaceAttr) !=
         nullptr;
}

/// The element type in the descriptor's words.
static FailureOr<mlaDType> getDType(BlockArgument arg) {
  std::string name;
  llvm::raw_string_ostream(name) << getElementTypeOrSelf(arg.getType());
  if (std::optional<mlaDType> dtype = runtime::parseDType(name))
    return *dtype;
  return getFunction(arg).emitOpError()
         << "argument " << getArgumentName(getFunction(arg), arg.getArgNumber())
         << ": expected an element type that a package knows, got " << name;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// What kernels have to agree on: the rest is merged.
static std::string describe(const KernelDescriptor &program,
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

static std::string describe(const KernelDescriptor &,
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
  std::string mine = describe(program, found), theirs;
  if (known != list.end())
    theirs = describe(program, *known);
  if (mine == theirs)
    return &*known;
  if (theirs.empty())
    theirs = "something else";
  func.emitOpError() << "disagrees with kernel '" << place->second.getSymName()
                     << "' on argument '" << found.name << "': expected "
                     << theirs << ", got " << mine;
  return failure();
}

LogicalResult ProgramDescriber::addTensor(const KernelInterface &kernel,
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
  // What a kernel writes and a later one reads need not be there before.
  if (kernel.context.written.contains(arg) && known.access == MLA_READ)
    known.access = firstUser[known.name] == func && !isRead(arg)
                       ? MLA_WRITE
                       : MLA_READ_WRITE;
  return success();
}

LogicalResult ProgramDescriber::addWorkspace(const KernelInterface &kernel,
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
  bool written = kernel.context.written.contains(arg);
  bool isNew = !firstUser.contains(workspace.name);
  if (isNew && !written && isRead(arg))
    return error() << "expected an earlier kernel that writes it, got none";
  FailureOr<WorkspaceDescriptor *> merged =
      merge(program.workspaces, std::move(workspace), func);
  if (failed(merged))
    return failure();
  (*merged)->alignment = std::max((*merged)->alignment, getAlignment(arg));
  return success();
}

LogicalResult ProgramDescriber::addScalar(const KernelInterface &kernel,
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

/// Of several kernels the names say which arguments are one; in one function
/// each has its own.
LogicalResult ProgramDescriber::checkNames(const KernelInterface &kernel) {
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

LogicalResult ProgramDescriber::addArguments(const KernelInterface &kernel,
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

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

/// The operator's operands that are constants of the kernel; empty for none.
LogicalResult ProgramDescriber::addConstants(func::FuncOp func) {
  Attribute attr = func->getAttr(kConstantsAttr);
  if (!attr)
    return success();
  auto dictionary = dyn_cast<DictionaryAttr>(attr);
  if (!dictionary)
    return func.emitOpError() << "expected a dictionary of floats in "
                              << kConstantsAttr << ", got " << attr;
  for (NamedAttribute entry : dictionary) {
    auto value = dyn_cast<FloatAttr>(entry.getValue());
    if (!value || !value.getValue().isFinite())
      return func.emitOpError()
             << "expected a finite float in " << kConstantsAttr << ", got "
             << entry.getName() << " = " << entry.getValue();
    auto known = llvm::find_if(program.constants, [&](const auto &constant) {
      return constant.name == entry.getName().strref();
    });
    double number = value.getValueAsDouble();
    if (known == program.constants.end())
      program.constants.push_back({entry.getName().str(), number});
    else if (known->value != number)
      return func.emitOpError()
             << "disagrees with an earlier kernel on constant '" << known->name
             << "': expected " << known->value << ", got " << number;
  }
  return success();
}

LogicalResult ProgramDescriber::addOperator(func::FuncOp func) {
  if (auto name = func->getAttrOfType<StringAttr>(kOperatorAttr)) {
    if (!program.operatorName.empty() && program.operatorName != name)
      return func.emitOpError() << "expected operator '" << program.operatorName
                                << "' as in an earlier kernel, got " << name;
    program.operatorName = name.str();
  }
  if (auto options = func->getAttrOfType<DictionaryAttr>(kOptionsAttr))
    for (NamedAttribute option : options)
      if (auto value = dyn_cast<StringAttr>(option.getValue()))
        program.options[option.getName().str()] = value.str();
  return addConstants(func);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

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

/// The parameter list in the order of the kernel's arguments: for each tensor
/// its address, run-time sizes and run-time strides.
std::vector<ParameterDescriptor>
ProgramDescriber::describeParameters(func::FuncOp func) {
  using Kind = ParameterDescriptor::Kind;
  std::vector<ParameterDescriptor> parameters;
  for (BlockArgument arg : func.getArguments()) {
    int index = indexOf(arg);
    auto type = dyn_cast<MemRefType>(arg.getType());
    parameters.push_back({type ? Kind::Pointer : Kind::Scalar, index});
    if (!type)
      continue;
    auto [strides, offset] = type.getStridesAndOffset();
    for (int d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        parameters.push_back({Kind::Size, index, d});
    for (int d = 0; d < type.getRank(); ++d)
      if (ShapedType::isDynamic(strides[d]))
        parameters.push_back({Kind::Stride, index, d});
  }
  return parameters;
}

/// The CTAs of a cluster. The launch's grid is one-dimensional, and its
/// clusters are of CTAs that follow each other: those of the last dimension.
FailureOr<int> ProgramDescriber::getCluster(const KernelInterface &kernel) {
  auto cluster =
      kernel.func->getAttrOfType<DenseI64ArrayAttr>(cta::kClusterAttr);
  if (!cluster || cluster.empty())
    return 1;
  ArrayRef<int64_t> sizes = cluster.asArrayRef();
  bool isLast =
      sizes.size() == static_cast<size_t>(kernel.grid.getRank()) &&
      llvm::all_of(sizes.drop_back(), [](int64_t n) { return n == 1; });
  if (isLast || llvm::all_of(sizes, [](int64_t n) { return n == 1; }))
    return static_cast<int>(sizes.back());
  return kernel.func.emitOpError()
         << "is lowered for clusters along the last dimension of the grid, got "
         << cluster;
}

FailureOr<EntryDescriptor>
ProgramDescriber::describeEntry(const KernelInterface &kernel) {
  func::FuncOp func = kernel.func;
  EntryDescriptor entry;
  entry.symbol = func.getSymName().str();
  if (Attribute phase = func->getAttr(kPhaseAttr)) {
    auto name = dyn_cast<StringAttr>(phase);
    if (!name || (name != "plan" && name != "launch"))
      return func.emitOpError() << "expected \"plan\" or \"launch\" in "
                                << kPhaseAttr << ", got " << phase;
    entry.phase = name == "plan" ? MLA_PHASE_PLAN : MLA_PHASE_LAUNCH;
  }
  entry.parameters = describeParameters(func);
  func.walk([&](cta::TensorMapOp map) {
    entry.parameters.push_back({ParameterDescriptor::Kind::TensorMap,
                                static_cast<int>(entry.tensorMaps.size())});
    entry.tensorMaps.push_back({indexOf(cast<BlockArgument>(map.getSource())),
                                {map.getBox().begin(), map.getBox().end()},
                                static_cast<int>(map.getSwizzle())});
  });
  FailureOr<runtime::Expression> grid =
      makeGridExpression(kernel.grid, program);
  FailureOr<int> cluster = getCluster(kernel);
  if (failed(grid) || failed(cluster))
    return failure();
  entry.grid = *grid;
  entry.cluster = *cluster;
  entry.block = static_cast<int>(kernel.threads);
  if (auto shared = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr))
    entry.sharedBytes = shared.getInt();
  // A kernel that waits for those before it may be launched before their end.
  entry.programmatic = kernel.context.waits;
  return entry;
}

FailureOr<KernelDescriptor> ProgramDescriber::run() {
  program.compiler = "mla 0.1.0";
  const TargetSpec &target = getTarget(kernels.front().func);
  program.target = std::string(target.name);
  for (const KernelInterface &kernel : kernels)
    if (const TargetSpec &other = getTarget(kernel.func); &other != &target)
      return kernel.func.emitOpError("expected target ")
             << target.name << " as of an earlier kernel, got " << other.name;
  for (const KernelInterface &kernel : kernels)
    if (failed(checkNames(kernel)) || failed(addOperator(kernel.func)) ||
        failed(addArguments(kernel, /*workspaces=*/false)))
      return failure();
  // Their sizes are expressions over those of all arguments.
  for (const KernelInterface &kernel : kernels)
    if (failed(addArguments(kernel, /*workspaces=*/true)))
      return failure();
  for (const KernelInterface &kernel : kernels) {
    FailureOr<EntryDescriptor> entry = describeEntry(kernel);
    if (failed(entry))
      return failure();
    program.kernels.push_back(std::move(*entry));
  }
  return program;
}

FailureOr<KernelDescriptor>
mla::describeProgram(ArrayRef<KernelInterface> kernels) {
  FailureOr<KernelDescriptor> program = ProgramDescriber(kernels).run();
  if (failed(program))
    return failure();
  if (runtime::Status status = runtime::verifyDescriptor(*program);
      !status.ok())
    return emitError(kernels.front().func.getLoc())
           << "makes no package: " << status.message();
  return program;
}
