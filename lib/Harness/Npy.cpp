//===- Npy.cpp - NumPy's array files --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Npy.h"

#include "mla/Runtime/Files.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <set>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
/// The format aligns the array's bytes to this.
constexpr size_t kHeaderAlignment = 64;

const char *describe(mlaDType dtype) {
  switch (dtype) {
  case MLA_BF16:
    return "<u2";
  case MLA_F16:
    return "<f2";
  case MLA_F32:
    return "<f4";
  case MLA_F64:
    return "<f8";
  case MLA_I8:
    return "|i1";
  case MLA_I32:
    return "<i4";
  case MLA_I64:
    return "<i8";
  case MLA_E4M3:
    return "|u1";
  }
  return "";
}

bool describes(const std::string &text, mlaDType dtype) {
  return text == describe(dtype) ||
         (dtype == MLA_BF16 && (text == "|V2" || text == "<V2")) ||
         (dtype == MLA_E4M3 && (text == "|V1" || text == "<V1"));
}

/// Reads the header: a Python dictionary literal with the keys 'descr',
/// 'fortran_order' and 'shape', without duplicates, in any order.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;

  bool parse() {
    if (!eat('{'))
      return false;
    std::set<std::string> seen;
    while (!eat('}')) {
      std::string key;
      if (!quoted(key) || !eat(':') || !seen.insert(key).second)
        return false;
      bool good = key == "descr"           ? quoted(descr)
                  : key == "fortran_order" ? boolean(fortran)
                  : key == "shape"         ? tuple(shape)
                                           : false;
      if (!good)
        return false;
      if (!eat(',') && !next('}'))
        return false;
    }
    return seen.size() == 3;
  }

private:
  void skip() {
    while (at < text.size() &&
           std::isspace(static_cast<unsigned char>(text[at])))
      ++at;
  }
  bool next(char c) {
    skip();
    return at < text.size() && text[at] == c;
  }
  bool eat(char c) {
    bool found = next(c);
    at += found;
    return found;
  }
  bool quoted(std::string &out) {
    skip();
    char quote = at < text.size() ? text[at] : '\0';
    if (quote != '\'' && quote != '"')
      return false;
    size_t end = text.find(quote, at + 1);
    if (end == std::string_view::npos)
      return false;
    out = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return true;
  }
  bool boolean(bool &out) {
    skip();
    out = text.substr(at, 4) == "True";
    if (!out && text.substr(at, 5) != "False")
      return false;
    at += out ? 4 : 5;
    return true;
  }
  bool tuple(std::vector<int64_t> &out) {
    if (!eat('('))
      return false;
    while (!eat(')')) {
      skip();
      int64_t value = 0;
      size_t begin = at;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9')
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[at++] - '0', &value))
          return false;
      if (at == begin)
        return false;
      out.push_back(value);
      if (!eat(',') && !next(')'))
        return false;
    }
    return true;
  }

  std::string_view text;
  size_t at = 0;
};

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "(";
  for (int64_t size : shape)
    text += std::to_string(size) + ", ";
  // A tuple of one keeps its comma: "(3,)".
  if (shape.size() > 1)
    text.resize(text.size() - 2);
  else if (shape.size() == 1)
    text.pop_back();
  return text + ")";
}

/// Bytes before the header's text.
constexpr size_t kPrefix1 = 10, kPrefix2 = 12;
/// A limit far above the headers that NumPy writes.
constexpr size_t kMaxHeader = 1 << 20;

/// Finds in the file's first bytes where the header's text begins and ends.
Status findHeader(std::string_view bytes, size_t &begin, size_t &end) {
  if (bytes.substr(0, kMagic.size()) != kMagic)
    return invalidArgument("not a .npy file");
  if (bytes.size() < kPrefix1)
    return invalidArgument("truncated .npy header");
  unsigned char major = bytes[6], minor = bytes[7];
  if ((major != 1 && major != 2) || minor != 0)
    return invalidArgument("expected .npy version 1.0 or 2.0, got " +
                           std::to_string(major) + "." + std::to_string(minor));
  begin = major == 1 ? kPrefix1 : kPrefix2;
  if (bytes.size() < begin)
    return invalidArgument("truncated .npy header");
  size_t length = 0;
  for (size_t i = 8; i < begin; ++i)
    length |= size_t(static_cast<unsigned char>(bytes[i])) << (8 * (i - 8));
  if (length > kMaxHeader)
    return invalidArgument("expected a .npy header of at most " +
                           std::to_string(kMaxHeader) + " bytes, got " +
                           std::to_string(length));
  end = begin + length;
  return Status();
}

/// "'<u2' (bf16) or '<f4' (f32)"
std::string listTypes(const std::vector<mlaDType> &dtypes) {
  std::string text;
  for (mlaDType dtype : dtypes)
    text += std::string(text.empty() ? "'" : " or '") + describe(dtype) +
            "' (" + dtypeName(dtype) + ")";
  return text;
}

/// Checks the header; returns the array's shape and size in bytes.
Status parseHeader(std::string_view bytes, const std::vector<mlaDType> &dtypes,
                   mlaDType &dtype, size_t &dataAt, std::vector<int64_t> &shape,
                   int64_t &dataBytes) {
  size_t begin = 0;
  MLA_RETURN_IF_ERROR(findHeader(bytes, begin, dataAt));
  if (dataAt > bytes.size())
    return invalidArgument("truncated .npy header");
  HeaderParser parser(bytes.substr(begin, dataAt - begin));
  if (!parser.parse())
    return invalidArgument("malformed .npy header");
  auto found = std::find_if(dtypes.begin(), dtypes.end(), [&](mlaDType dtype) {
    return describes(parser.descr, dtype);
  });
  if (found == dtypes.end())
    return invalidArgument("expected dtype " + listTypes(dtypes) + ", got '" +
                           parser.descr + "'");
  dtype = *found;
  if (parser.shape.size() > static_cast<size_t>(kMaxRank))
    return invalidArgument("expected rank at most " + std::to_string(kMaxRank) +
                           ", got " + std::to_string(parser.shape.size()));
  if (parser.fortran && parser.shape.size() > 1)
    return invalidArgument("expected C order, got Fortran order");
  shape = std::move(parser.shape);
  // Strides count the other dimensions, also of an array without elements.
  int64_t strides = 1;
  dataBytes = itemSize(dtype);
  for (int64_t size : shape)
    if (__builtin_mul_overflow(dataBytes, size, &dataBytes) ||
        __builtin_mul_overflow(strides, std::max<int64_t>(size, 1), &strides))
      return invalidArgument("shape " + shapeText(shape) + " is too large");
  return Status();
}

Status parse(const std::string &bytes, const std::vector<mlaDType> &dtypes,
             HostTensor &out) {
  mlaDType dtype = dtypes.front();
  size_t dataAt = 0;
  std::vector<int64_t> shape;
  int64_t expected = 0;
  MLA_RETURN_IF_ERROR(
      parseHeader(bytes, dtypes, dtype, dataAt, shape, expected));
  int64_t got = static_cast<int64_t>(bytes.size() - dataAt);
  // Before allocating: a corrupt shape must not ask for all the memory.
  if (got != expected)
    return invalidArgument(
        (got < expected ? "truncated: expected " : "too long: expected ") +
        std::to_string(expected) + " bytes of data for " + shapeText(shape) +
        ", got " + std::to_string(got) + (got < expected ? "" : " or more"));
  out = HostTensor(dtype, std::move(shape));
  if (got > 0)
    std::memcpy(out.storage.data(), bytes.data() + dataAt, got);
  return Status();
}

/// Reads as many bytes as the header announces, and one more if there is one,
/// to detect an overlong file.
Status readUpToEnd(InputFile &file, const std::vector<mlaDType> &dtypes,
                   uint64_t maxBytes, std::string &bytes) {
  mlaDType dtype = dtypes.front();
  size_t begin = 0, dataAt = 0;
  std::vector<int64_t> shape;
  int64_t dataBytes = 0;
  MLA_RETURN_IF_ERROR(file.read(kPrefix2, bytes));
  MLA_RETURN_IF_ERROR(findHeader(bytes, begin, dataAt));
  if (dataAt > bytes.size())
    MLA_RETURN_IF_ERROR(file.read(dataAt - bytes.size(), bytes));
  MLA_RETURN_IF_ERROR(
      parseHeader(bytes, dtypes, dtype, dataAt, shape, dataBytes));
  if (static_cast<uint64_t>(dataBytes) > maxBytes)
    return invalidArgument(
        "shape " + shapeText(shape) + " takes " + std::to_string(dataBytes) +
        " bytes, the memory limit is " + std::to_string(maxBytes));
  uint64_t end = dataAt + static_cast<uint64_t>(dataBytes) + 1;
  return end > bytes.size() ? file.read(end - bytes.size(), bytes) : Status();
}

} // namespace

Status parseNpy(const std::string &bytes, mlaDType dtype,
                const std::string &what, HostTensor &out) {
  return parse(bytes, {dtype}, out).within(what);
}

Status readNpy(const std::string &path, mlaDType dtype, HostTensor &out,
               uint64_t maxBytes) {
  return readNpy(path, std::vector<mlaDType>{dtype}, out, maxBytes);
}

Status readNpy(const std::string &path, const std::vector<mlaDType> &dtypes,
               HostTensor &out, uint64_t maxBytes) {
  InputFile file;
  std::string bytes, what = "'" + path + "'";
  MLA_RETURN_IF_ERROR(InputFile::open(path, file));
  MLA_RETURN_IF_ERROR(readUpToEnd(file, dtypes, maxBytes, bytes).within(what));
  return parse(bytes, dtypes, out).within(what);
}

std::string formatNpy(const HostTensor &tensor) {
  std::string header =
      std::string("{'descr': '") + describe(tensor.dtype) +
      "', 'fortran_order': False, 'shape': " + shapeText(tensor.shape) + ", }";
  size_t used = kMagic.size() + 4 + header.size() + 1;
  header.append((kHeaderAlignment - used % kHeaderAlignment) % kHeaderAlignment,
                ' ');
  header += '\n';
  // kMaxRank sizes of 20 digits stay far below the 65,535 of version 1.0.
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  const char *storage = reinterpret_cast<const char *>(tensor.storage.data());
  int64_t item = itemSize(tensor.dtype), count = tensor.elements();
  if (tensor.isContiguous()) {
    bytes.append(storage, count * item);
    return bytes;
  }
  for (int64_t i = 0; i < count; ++i)
    bytes.append(storage + tensor.offsetOf(i) * item, item);
  return bytes;
}

Status writeNpy(const std::string &path, const HostTensor &tensor) {
  return writeFileAtomically(path, formatNpy(tensor));
}

} // namespace mla::harness
