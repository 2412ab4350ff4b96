//===- Package.cpp - kernel packages on disk ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Files.h"
#include "mla/Runtime/Sha256.h"

#include <cstring>
#include <filesystem>

namespace fs = std::filesystem;

namespace mla::runtime {

namespace {

/// Reads a field. The numeric offsets below are those of the ELF64 file header
/// and section header.
template <typename T> T readAt(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

constexpr size_t kElfHeaderBytes = 64;
constexpr uint16_t kElfMachineCuda = 190;
constexpr uint32_t kElfSectionNoBits = 8;

/// Whether [offset, offset + size) lies within `total` bytes; cannot overflow.
bool fits(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

} // namespace

Status verifyCubin(std::string_view cubin) {
  if (cubin.size() < kElfHeaderBytes)
    return invalidPackage("cubin is truncated: expected an ELF header of 64 "
                          "bytes, got " +
                          std::to_string(cubin.size()) + " bytes");
  if (cubin.substr(0, 4) != "\177ELF")
    return invalidPackage("cubin is not an ELF file");
  constexpr char kClass64 = 2;
  if (cubin[4] != kClass64 || readAt<uint16_t>(cubin, 18) != kElfMachineCuda)
    return invalidPackage("cubin is not a 64-bit CUDA ELF file");
  uint64_t programs = readAt<uint64_t>(cubin, 32);
  uint64_t programBytes =
      uint64_t(readAt<uint16_t>(cubin, 54)) * readAt<uint16_t>(cubin, 56);
  uint64_t sections = readAt<uint64_t>(cubin, 40);
  uint16_t sectionBytes = readAt<uint16_t>(cubin, 58);
  uint16_t sectionCount = readAt<uint16_t>(cubin, 60);
  if (sectionCount && sectionBytes < 64)
    return invalidPackage("cubin has a malformed section table");
  bool whole =
      fits(programs, programBytes, cubin.size()) &&
      fits(sections, uint64_t(sectionBytes) * sectionCount, cubin.size());
  for (uint16_t i = 0; whole && i < sectionCount; ++i) {
    uint64_t header = sections + uint64_t(i) * sectionBytes;
    if (readAt<uint32_t>(cubin, header + 4) != kElfSectionNoBits)
      whole = fits(readAt<uint64_t>(cubin, header + 24),
                   readAt<uint64_t>(cubin, header + 32), cubin.size());
  }
  if (!whole)
    return invalidPackage("cubin is truncated: its sections reach beyond its " +
                          std::to_string(cubin.size()) + " bytes");
  return Status();
}

namespace {

constexpr size_t kSealDigits = 64;

/// The seal of a package: the SHA-256 of `json`, with zeros in place of the
/// seal `written` in it, followed by the cubin.
std::string computeSeal(std::string_view json, std::string_view written,
                        std::string_view cubin) {
  size_t place = json.find(written);
  return sha256({json.substr(0, place), std::string(kSealDigits, '0'),
                 json.substr(place + written.size()), cubin});
}

Status verifySeal(std::string_view json, const KernelPackage &package) {
  const std::string &seal = package.descriptor.sha256;
  if (seal.size() != kSealDigits || json.find(seal) == std::string_view::npos)
    return invalidPackage("'sha256': expected 64 hexadecimal digits, got '" +
                          seal + "'");
  std::string computed = computeSeal(json, seal, package.cubin);
  if (computed != seal)
    return invalidPackage("the descriptor or the cubin was damaged or changed: "
                          "expected SHA-256 " +
                          seal + ", got " + computed);
  return Status();
}

} // namespace

std::string sealDescriptor(KernelDescriptor descriptor,
                           std::string_view cubin) {
  descriptor.sha256 = std::string(kSealDigits, '0');
  std::string json = writeDescriptor(descriptor);
  // Searches for the field with its name: other text may contain 64 zeros.
  size_t place = json.find("\"sha256\"");
  place = json.find(descriptor.sha256, place);
  return json.replace(place, kSealDigits, sha256({json, cubin}));
}

Status sealDescriptor(std::string &json, std::string_view cubin) {
  KernelDescriptor descriptor;
  MLA_RETURN_IF_ERROR(parseDescriptor(json, descriptor));
  MLA_RETURN_IF_ERROR(verifyCubin(cubin));
  json = sealDescriptor(std::move(descriptor), cubin);
  return Status();
}

Status parsePackage(std::string_view json, std::string cubin,
                    KernelPackage &out) {
  MLA_RETURN_IF_ERROR(
      parseDescriptor(json, out.descriptor).within("kernel.json"));
  out.cubin = std::move(cubin);
  MLA_RETURN_IF_ERROR(verifyCubin(out.cubin));
  return verifySeal(json, out);
}

Status readPackage(const std::string &folder, KernelPackage &out) {
  std::error_code error;
  if (!fs::exists(folder, error))
    return Status(MLA_NOT_FOUND, "package '" + folder + "': no such folder");
  if (!fs::is_directory(folder, error))
    return Status(MLA_NOT_FOUND,
                  "package '" + folder + "': expected a folder, got a file");
  std::string json;
  MLA_RETURN_IF_ERROR(readFile(folder + "/kernel.json", json));
  // The descriptor is read first: it names the cubin.
  std::string where = "package '" + folder + "'";
  KernelDescriptor descriptor;
  MLA_RETURN_IF_ERROR(
      parseDescriptor(json, descriptor).within(where + ": kernel.json"));
  std::string cubin;
  MLA_RETURN_IF_ERROR(readFile(folder + "/" + descriptor.cubin, cubin));
  return parsePackage(json, std::move(cubin), out).within(where);
}

Status writePackage(const std::string &folder, const KernelPackage &package) {
  MLA_RETURN_IF_ERROR(verifyDescriptor(package.descriptor));
  MLA_RETURN_IF_ERROR(verifyCubin(package.cubin));
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return Status(MLA_NOT_FOUND,
                  "cannot create folder '" + folder + "': " + error.message());
  MLA_RETURN_IF_ERROR(writeFileAtomically(
      folder + "/" + package.descriptor.cubin, package.cubin));
  return writeFileAtomically(folder + "/kernel.json",
                             sealDescriptor(package.descriptor, package.cubin));
}

} // namespace mla::runtime
