//===- KernelIndex.cpp - several kernels in one folder --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/KernelIndex.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Runtime/Descriptor.h"
#include "mla/Support/Files.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mla;
namespace json = llvm::json;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// A package's entry in the index.
static llvm::Expected<json::Object> makeEntry(const KernelSource &source,
                                              const CompiledKernel &kernel) {
  runtime::KernelDescriptor launch;
  if (runtime::Status status =
          runtime::parseDescriptor(kernel.descriptor, launch);
      !status.ok())
    return makeError(source.name + ": " + status.message());
  json::Object entry{{"package", source.folder},
                     {"source", source.name},
                     {"kernel", launch.name()},
                     {"operator", launch.operatorName},
                     {"target", launch.target}};
  if (!launch.options.empty()) {
    json::Object options;
    for (const auto &[name, value] : launch.options)
      options[name] = value;
    entry["options"] = std::move(options);
  }
  return entry;
}

static llvm::Expected<CompiledKernel>
compileSource(const KernelSource &source, mlir::MLIRContext &context,
              const CompileOptions &options) {
  auto module = source.spec ? buildOperator(context, *source.spec)
                            : parseProgramFile(source.name, context);
  if (!module)
    return makeError("cannot make IR of '" + source.name + "'");
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, options);
  if (!kernel)
    return makeError(source.name + ": " + llvm::toString(kernel.takeError()));
  if (kernel->cubin.empty())
    return makeError(source.name + ": " + kernel->missingCubin);
  return kernel;
}

llvm::Error mla::packageKernels(llvm::ArrayRef<KernelSource> kernels,
                                llvm::StringRef root,
                                mlir::MLIRContext &context,
                                const CompileOptions &options,
                                KernelIndexProgress progress) {
  json::Array entries;
  for (auto [number, source] : llvm::enumerate(kernels)) {
    progress(number, nullptr);
    llvm::Expected<CompiledKernel> kernel =
        compileSource(source, context, options);
    if (!kernel)
      return kernel.takeError();
    if (llvm::Error error =
            writeKernel(*kernel, (root + "/" + source.folder).str()))
      return error;
    llvm::Expected<json::Object> entry = makeEntry(source, *kernel);
    if (!entry)
      return entry.takeError();
    entries.push_back(std::move(*entry));
    json::Value report = summarize(*kernel);
    (*report.getAsObject())["package"] = source.folder;
    progress(number, &report);
  }
  json::Value index = json::Object{{"format", "mla-kernel-index"},
                                   {"version", 1},
                                   {"packages", std::move(entries)}};
  return writeFile((root + "/index.json").str(),
                   llvm::formatv("{0:2}\n", index).str());
}
