//===- Info.cpp - what there is to compile with and to run on -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Info.h"
#include "Command.h"
#include "mla/JIT/Assembler.h"
#include "mla/JIT/DiskCache.h"
#include "mla/JIT/Version.h"
#include "mla/Runtime/Driver.h"
#include "mla/Target/Ptxas.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using runtime::Driver;
using runtime::Status;
namespace json = llvm::json;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit info [--json]

Prints versions, ptxas, the assembler that run, bench and libmla-jit.so use, the
driver and its devices, and the folder of the cache. What is missing is told and
no error.

  --json                 as one line of JSON
)";

json::Object describePtxas() {
  llvm::Expected<std::string> path = findPtxas();
  if (!path)
    return json::Object{{"missing", llvm::toString(path.takeError())}};
  llvm::Expected<std::string> version = ptxasVersionText(*path);
  if (!version)
    return json::Object{{"path", *path},
                        {"missing", llvm::toString(version.takeError())}};
  return json::Object{{"path", *path}, {"version", *version}};
}

/// Which one makes the cubins that are launched here, and why it is not ptxas
/// or another one than `ptxas`.
json::Object describeAssembler(const json::Object &ptxas) {
  // Would be asked for its version, and fail, once more.
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

Status listDevices(const Driver &driver, json::Array &out) {
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

json::Object describeDriver() {
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

json::Object describeCache() {
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

/// `object[name]` as text; the reason where there is none.
std::string get(const json::Object &object, llvm::StringRef name) {
  if (auto text = object.getString("missing"))
    return "none (" + text->str() + ")";
  if (auto number = object.getInteger(name))
    return std::to_string(*number);
  return object.getString(name).value_or("").str();
}

} // namespace

int mla::infoCommand(const std::vector<std::string> &words) {
  bool asJson = false;
  auto option = [&](const Option &, std::string &) { asJson = true; };
  auto operand = [](const std::string &word) {
    return "expected no operand, got '" + word + "'";
  };
  if (std::optional<int> code =
          readCommand({"info", kHelp.str(), option, operand}, words))
    return *code;
  json::Object ptxas = describePtxas(), assembler = describeAssembler(ptxas),
               driver = describeDriver(), cache = describeCache();
  if (asJson) {
    llvm::outs() << json::Value(
                        json::Object{{"version", versionText()},
                                     {"ptxas", std::move(ptxas)},
                                     {"assembler", std::move(assembler)},
                                     {"driver", std::move(driver)},
                                     {"cache", std::move(cache)}})
                 << "\n";
    return 0;
  }
  auto line = [](llvm::StringRef name, const llvm::Twine &text) {
    llvm::outs() << llvm::formatv("{0,-11}", (name + ":").str()) << text
                 << "\n";
  };
  line("version", versionText());
  line("ptxas", ptxas.getString("missing")
                    ? get(ptxas, "version")
                    : get(ptxas, "version") + " at " + get(ptxas, "path"));
  auto warning = assembler.getString("warning");
  line("assembler", get(assembler, "version") +
                        (warning ? " (" + warning->str() + ")" : ""));
  line("driver", driver.getString("missing") ? get(driver, "cuda")
                                             : "CUDA " + get(driver, "cuda"));
  if (const json::Array *devices = driver.getArray("devices"))
    for (const json::Value &device : *devices)
      line("device", get(*device.getAsObject(), "name") + ", " +
                         get(*device.getAsObject(), "capability"));
  line("cache", cache.getString("missing")
                    ? get(cache, "folder")
                    : get(cache, "folder") + ", " + get(cache, "entries") +
                          " kernels, " + get(cache, "bytes") + " bytes");
  return 0;
}
