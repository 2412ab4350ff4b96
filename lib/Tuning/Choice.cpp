//===- Choice.cpp - shapes, GPUs and choices, as they are named -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/Choice.h"
#include "mla/Support/Names.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

static void appendGpus(const TargetSpec &target,
                       llvm::SmallVectorImpl<StringRef> &names) {
  for (const TargetGpu &gpu : llvm::ArrayRef(target.gpus, target.numGpus))
    names.push_back(gpu.name);
}

/// Kernels count entries in 32 bits.
static constexpr int64_t kMaxTopk = INT32_MAX;

std::string mla::findFault(const ShapeClass &shape) {
  if (shape.heads < 1 || shape.heads > 128)
    return llvm::formatv("expected 1 <= h_q <= 128, got {0}", shape.heads);
  if (shape.dimV != 512 || (shape.dimQK != 576 && shape.dimQK != 512))
    return llvm::formatv("expected d_qk/d_v of 576/512 or 512/512, got {0}/{1}",
                         shape.dimQK, shape.dimV);
  if (shape.topk && (*shape.topk < 1 || *shape.topk > kMaxTopk))
    return llvm::formatv("expected 1 <= topk <= {0}, got {1}", kMaxTopk,
                         *shape.topk);
  return "";
}

std::string mla::findFault(const Gpu &gpu) {
  const TargetSpec *target = findTarget(gpu.target);
  if (!target)
    return describeUnknownTarget(gpu.target);
  llvm::SmallVector<StringRef> names;
  appendGpus(*target, names);
  if (!gpu.name.empty() && !llvm::is_contained(names, gpu.name))
    return "unknown GPU '" + gpu.name + "', expected " +
           listNames(gpu.name, names);
  return "";
}

llvm::SmallVector<StringRef> mla::getGpuNames() {
  llvm::SmallVector<StringRef> names;
  for (const TargetSpec &target : kTargets)
    appendGpus(target, names);
  return names;
}

std::string mla::getGpuName(const std::string &deviceName,
                            const TargetSpec &target) {
  StringRef name = deviceName;
  name.consume_front("NVIDIA ");
  name = name.split(' ').first;
  return findGpu(target, {name.data(), name.size()}) ? name.str() : "";
}

std::string mla::describe(const Choice &choice) {
  std::string text = choice.schedule;
  if (choice.keys)
    text += ", " + std::to_string(choice.keys) + " keys";
  if (choice.stages)
    text += ", " + std::to_string(choice.stages) + " stages";
  return text;
}
