//===- Reports.cpp - JSON about machine code and the machine --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Reports.h"
#include "mla/JIT/Assembler.h"
#include "mla/JIT/DiskCache.h"
#include "mla/JIT/Version.h"
#include "mla/Runtime/Driver.h"
#include "mla/Target/Ptxas.h"
#include "mla/Target/Sass.h"
#include "llvm/Support/FormatVariadic.h"
#include <chrono>

using namespace mla;
using runtime::Driver;
using runtime::Status;
namespace json = llvm::json;

void mla::addMachineCode(const CompiledKernel &kernel, json::Object &report) {
  if (kernel.cubin.empty())
    return;
  auto start = std::chrono::steady_clock::now();
  llvm::Expected<SassReport> sass = disassembleCubin(kernel.cubin);
  if (!sass) {
    report["missingSass"] = json::fixUTF8(llvm::toString(sass.takeError()));
    return;
  }
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  (*report.getObject("seconds"))["nvdisasm"] = spent.count();
  report["instructions"] = sass->instructions;
  report["loops"] = json::Array(sass->loops);
}

static json::Object describePtxas() {
  llvm::Expected<std::string> path = findPtxas();
  if (!path)
    return json::Object{{"missing", llvm::toString(path.takeError())}};
  llvm::Expected<std::string> version = ptxasVersionText(*path);
  if (!version)
    return json::Object{{"path", *path},
                        {"missing", llvm::toString(version.takeError())}};
  return json::Object{{"path", *path}, {"version", *version}};
}

/// The assembler of the cubins that are launched here; a warning says why it is
/// not `ptxas`.
static json::Object describeAssembler(const json::Object &ptxas) {
  // Asking for its version again would fail again.
  if (ptxas.get("path") && ptxas.get("missing"))
    return json::Object{{"missing", *ptxas.getString("missing")}};
  Assembler assembler;
  Status status = findAssembler(MLA_ASSEMBLER_AUTO, std::nullopt, 0, assembler);
  if (!status.ok())
    return json::Object{{"missing", status.message()}};
  json::Object object{{"version", assembler.version}};
  if (!assembler.path.empty())
    object["path"] = assembler.path;
  if (!assembler.warning.empty())
    object["warning"] = assembler.warning;
  return object;
}

static Status listDevices(const Driver &driver, json::Array &out) {
  int count = 0;
  MLA_DRIVER_CALL(driver, cuDeviceGetCount, &count);
  for (int index = 0; index < count; ++index) {
    runtime::CudaDevice device = 0;
    char name[256] = {};
    int major = 0, minor = 0;
    MLA_DRIVER_CALL(driver, cuDeviceGet, &device, index);
    MLA_DRIVER_CALL(driver, cuDeviceGetName, name, sizeof(name) - 1, device);
    MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &major,
                    runtime::kCudaAttributeMajor, device);
    MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &minor,
                    runtime::kCudaAttributeMinor, device);
    out.push_back(json::Object{
        {"name", json::fixUTF8(name)},
        {"capability", llvm::formatv("{0}.{1}", major, minor).str()}});
  }
  return Status();
}

static json::Object describeDriver() {
  const Driver *driver = nullptr;
  Status status = Driver::get(driver);
  json::Array devices;
  if (status.ok())
    status = listDevices(*driver, devices);
  if (!status.ok())
    return json::Object{{"missing", status.message()}};
  return json::Object{{"cuda", llvm::formatv("{0}.{1}", driver->version / 1000,
                                             driver->version % 1000 / 10)
                                   .str()},
                      {"devices", std::move(devices)}};
}

static json::Object describeCache() {
  DiskCache cache(defaultCacheFolder(), 0);
  json::Object object{{"folder", cache.folder()}};
  if (!cache.enabled()) {
    object["missing"] =
        "expected MLA_CACHE_DIR, XDG_CACHE_HOME, HOME or a home folder in the "
        "password file";
    return object;
  }
  llvm::Expected<std::vector<DiskCache::Entry>> entries = cache.list();
  if (!entries) {
    object["missing"] = llvm::toString(entries.takeError());
    return object;
  }
  uint64_t bytes = 0;
  for (const DiskCache::Entry &entry : *entries)
    bytes += entry.bytes;
  object["entries"] = entries->size();
  object["bytes"] = bytes;
  return object;
}

json::Object mla::describeEnvironment() {
  json::Object ptxas = describePtxas(), assembler = describeAssembler(ptxas);
  return json::Object{{"version", versionText()},
                      {"ptxas", std::move(ptxas)},
                      {"assembler", std::move(assembler)},
                      {"driver", describeDriver()},
                      {"cache", describeCache()}};
}
