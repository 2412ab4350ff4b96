//===- LaunchDescriptor.cpp - the launch descriptor of a program *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Conversion/LaunchDescriptor.h"
#include "GridExpression.h"
#include "ProgramDescriber.h"
#include "mla/Runtime/Version.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using runtime::EntryDescriptor;
using runtime::KernelDescriptor;
using runtime::ParameterDescriptor;

FailureOr<KernelDescriptor> ProgramDescriber::run() {
  program.compiler = runtime::getProjectName();
  if (failed(checkTargets()))
    return failure();
  for (KernelInterface &kernel : kernels)
    if (failed(checkNames(kernel)) || failed(addOperator(kernel.func)) ||
        failed(addArguments(kernel, /*workspaces=*/false)))
      return failure();
  // Limits and workspaces refer to the sizes of all arguments.
  for (KernelInterface &kernel : kernels)
    if (failed(addSizeLimits(kernel.func)) ||
        failed(addArguments(kernel, /*workspaces=*/true)))
      return failure();
  for (KernelInterface &kernel : kernels) {
    FailureOr<EntryDescriptor> entry = describeEntry(kernel);
    if (failed(entry))
      return failure();
    program.kernels.push_back(std::move(*entry));
  }
  return program;
}

LogicalResult ProgramDescriber::checkTargets() {
  const TargetSpec &target = getTarget(kernels.front().func);
  program.target = std::string(target.name);
  for (KernelInterface &kernel : kernels)
    if (const TargetSpec &other = getTarget(kernel.func); &other != &target)
      return kernel.func.emitOpError("expected target ")
             << target.name << " as of an earlier kernel, got " << other.name;
  return success();
}

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

/// Adds the scalar operands of the operator whose values are compiled in.
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

/// Limits of several kernels are intersected: each covers its own range.
LogicalResult ProgramDescriber::addSizeLimits(func::FuncOp func) {
  Attribute attr = func->getAttr(kSizeLimitsAttr);
  if (!attr)
    return success();
  auto dictionary = dyn_cast<DictionaryAttr>(attr);
  if (!dictionary)
    return func.emitOpError() << "expected a dictionary in " << kSizeLimitsAttr
                              << ", got " << attr;
  for (NamedAttribute entry : dictionary) {
    StringRef name = entry.getName().strref();
    auto range = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if (!range || range.size() != 2)
      return func.emitOpError()
             << "expected array<i64: SMALLEST, LARGEST> for '" << name
             << "' in " << kSizeLimitsAttr << ", got " << entry.getValue();
    auto known = llvm::find(program.sizeNames, name);
    if (known == program.sizeNames.end())
      return func.emitOpError() << "expected names of run-time sizes in "
                                << kSizeLimitsAttr << ", got '" << name << "'";
    program.limitSize(static_cast<int>(known - program.sizeNames.begin()),
                      range[0], range[1]);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The parameter list in the order of the kernel's arguments: for each tensor
/// its address, run-time sizes and run-time strides.
std::vector<ParameterDescriptor>
ProgramDescriber::describeParameters(func::FuncOp func) {
  using Kind = ParameterDescriptor::Kind;
  std::vector<ParameterDescriptor> parameters;
  for (BlockArgument arg : func.getArguments()) {
    int index = indexOf(arg);
    auto type = dyn_cast<MemRefType>(arg.getType());
    if (!type) {
      parameters.push_back({Kind::Scalar, index});
      continue;
    }
    ArgumentUse use = getArgumentUse(arg);
    if (use.address)
      parameters.push_back({Kind::Pointer, index});
    if (!use.layout)
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

/// The CTAs of a cluster. The launch's grid is one-dimensional and a cluster is
/// a group of consecutive CTAs, so that it lies along the last dimension.
FailureOr<int> ProgramDescriber::getCluster(KernelInterface &kernel) {
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
ProgramDescriber::describeEntry(KernelInterface &kernel) {
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
    auto source = cast<BlockArgument>(map.getSource());
    entry.tensorMaps.push_back(
        {indexOf(source),
         {map.getBox().begin(), map.getBox().end()},
         static_cast<int>(map.getSwizzle()),
         /*mayBeEmpty=*/
         func.getArgAttr(source.getArgNumber(), kArgCopiedInsideAttr) ||
             llvm::all_of(map->getUsers(), llvm::IsaPred<cta::GatherAsyncOp>)});
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
  // A kernel that waits for earlier ones itself may start before they end.
  entry.programmatic = kernel.waits;
  return entry;
}

FailureOr<KernelDescriptor>
mla::describeProgram(MutableArrayRef<KernelInterface> kernels) {
  FailureOr<KernelDescriptor> program = ProgramDescriber(kernels).run();
  if (failed(program))
    return failure();
  if (runtime::Status status = runtime::verifyDescriptor(*program);
      !status.ok())
    return emitError(kernels.front().func.getLoc())
           << "makes no package: " << status.message();
  return program;
}

FailureOr<KernelDescriptor> mla::describeLaunch(ModuleOp module) {
  FailureOr<SmallVector<KernelInterface>> kernels = readKernels(module);
  if (failed(kernels))
    return failure();
  if (kernels->empty())
    return module.emitError(kNoKernelMessage);
  return describeProgram(*kernels);
}
