//===- Inputs.cpp - arguments with seeded random values -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Inputs.h"

#include "SparsePrefill.h"
#include "mla/Harness/Npy.h"
#include "mla/Harness/Parallel.h"
#include "mla/Runtime/Float.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mla::runtime;

namespace mla::harness {

uint64_t randomBits(uint64_t seed, uint64_t counter) {
  uint64_t bits = seed + (counter + 1) * 0x9e3779b97f4a7c15ull;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
  return bits ^ (bits >> 31);
}

namespace {

constexpr int64_t kElementsPerChunk = 1 << 16;

/// A stream of its own for each argument.
uint64_t streamSeed(uint64_t seed, const std::string &name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return randomBits(seed, hash);
}

/// Nearly normal of variance 1: the sum of twelve uniforms, centred. Exact in
/// integers, so it is the same everywhere, which log and cos are not.
float randomNormal(uint64_t stream, uint64_t counter) {
  int64_t sum = 0;
  for (uint64_t word = 0; word < 3; ++word) {
    uint64_t bits = randomBits(stream, counter * 3 + word);
    sum += static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                (bits >> 32 & 0xffff) + (bits >> 48));
  }
  return static_cast<float>(sum - 12 * 0x7fff - 6) * (1.0f / 65536);
}

/// A uniform integer in [0, bound).
int64_t randomBelow(uint64_t stream, uint64_t counter, int64_t bound) {
  return static_cast<int64_t>(randomBits(stream, counter) %
                              static_cast<uint64_t>(bound));
}

bool randomChance(uint64_t stream, uint64_t counter, double chance) {
  return static_cast<double>(randomBits(stream, counter) >> 11) * 0x1p-53 <
         chance;
}

/// Calls `row(number, storage offset)` for every row (all dimensions but the
/// last) that `tensor` has, in parallel.
template <typename Row> void forEachRow(const HostTensor &tensor, Row row) {
  if (tensor.elements() == 0)
    return;
  int64_t length = tensor.rank() ? tensor.shape.back() : 1;
  int64_t rows = tensor.elements() / length;
  parallelFor(rows, std::max<int64_t>(1, kElementsPerChunk / length),
              [&](int64_t begin, int64_t end) {
                for (int64_t r = begin; r < end; ++r)
                  row(r, tensor.offsetOf(r * length));
              });
}

/// Writes value(linear number) to the elements of one row.
template <typename Value>
void fillRow(HostTensor &tensor, int64_t rowNumber, int64_t offset,
             Value value) {
  int64_t length = tensor.rank() ? tensor.shape.back() : 1;
  int64_t stride = tensor.rank() ? tensor.strides.back() : 1;
  for (int64_t i = 0; i < length; ++i) {
    float v = value(rowNumber * length + i);
    if (tensor.dtype == MLA_BF16)
      tensor.data<uint16_t>()[offset + i * stride] = floatToBf16(v);
    else
      tensor.set(offset + i * stride, v);
  }
}

void fillWithNormals(HostTensor &tensor, uint64_t stream, float factor) {
  forEachRow(tensor, [&](int64_t r, int64_t offset) {
    fillRow(tensor, r, offset,
            [&](int64_t i) { return randomNormal(stream, i) * factor; });
  });
}

/// What an operator without a generator of its own gets.
void fillGeneric(HostTensor &tensor, uint64_t stream) {
  constexpr int64_t kIntegerBound = 16;
  if (isFloat(tensor.dtype))
    return fillWithNormals(tensor, stream, 0.1f);
  forEachRow(tensor, [&](int64_t r, int64_t offset) {
    fillRow(tensor, r, offset, [&](int64_t i) {
      return static_cast<float>(randomBelow(stream, i, kIntegerBound));
    });
  });
}

/// The generator of sparse_prefill: values that depend on each other.
class SparsePrefillInputs {
public:
  SparsePrefillInputs(const SparsePrefillView &view,
                      const InputOptions &options)
      : view(view), options(options) {
    for (int64_t value : {int64_t(INT_MIN), int64_t(-123456), int64_t(-1),
                          view.tokens, int64_t(114514), int64_t(INT_MAX)})
      // With many tokens a number of the list may be a valid index.
      if ((value < 0 || value >= view.tokens) && value <= INT_MAX)
        invalid.push_back(static_cast<int32_t>(value));
  }

  void fillIndices(HostTensor &indices) const {
    uint64_t stream = streamSeed(options.seed, "indices");
    forEachRow(indices, [&](int64_t row, int64_t offset) {
      int64_t validEnd = view.topk;
      double share = options.invalidShare;
      shapeRow(stream, row, validEnd, share);
      for (int64_t t = 0; t < view.topk; ++t) {
        uint64_t at = static_cast<uint64_t>(row * view.topk + t);
        bool bad = view.tokens == 0 || t >= validEnd ||
                   randomChance(stream, 3 * at, share);
        indices.data<int32_t>()[offset + t * view.indexStride()] =
            bad ? invalid[randomBelow(stream, 3 * at + 1,
                                      static_cast<int64_t>(invalid.size()))]
                : static_cast<int32_t>(
                      randomBelow(stream, 3 * at + 1, view.tokens));
      }
    });
  }

  void fillTopkLength(HostTensor &lengths) const {
    uint64_t stream = streamSeed(options.seed, "topk_length");
    for (int64_t s = 0; s < view.queries; ++s) {
      int64_t value =
          options.poison ? randomBelow(stream, s, view.topk + 1) : view.topk;
      if (options.poison && view.queries > 1 && s == 0)
        value = view.topk;
      if (options.poison && view.queries > 1 && s == view.queries - 1)
        value = 0;
      lengths.data<int32_t>()[s * lengths.strides[0]] =
          static_cast<int32_t>(value);
    }
  }

  void fillSink(HostTensor &sink) const {
    uint64_t stream = streamSeed(options.seed, "attn_sink");
    fillWithNormals(sink, stream, 1);
    if (!options.poison || view.heads < 3)
      return;
    int64_t plus = randomBelow(stream, uint64_t(-1), view.heads);
    int64_t minus =
        (plus + 1 + randomBelow(stream, uint64_t(-2), view.heads - 1)) %
        view.heads;
    sink.set(plus * sink.strides[0], std::numeric_limits<double>::infinity());
    sink.set(minus * sink.strides[0], -std::numeric_limits<double>::infinity());
  }

  /// Normals / 10 in the rows that a valid entry names, NaN in the others.
  void fillKv(HostTensor &kv) const {
    uint64_t stream = streamSeed(options.seed, "kv");
    std::vector<char> named = namedRows();
    forEachRow(kv, [&](int64_t row, int64_t offset) {
      bool poison = options.poison && !named[row];
      fillRow(kv, row, offset, [&](int64_t i) {
        return poison ? std::numeric_limits<float>::quiet_NaN()
                      : randomNormal(stream, i) * 0.1f;
      });
    });
  }

private:
  /// Some rows are special, so that whole tiles are valid, invalid or cut.
  void shapeRow(uint64_t stream, int64_t row, int64_t &validEnd,
                double &share) const {
    if (!options.poison || options.invalidShare <= 0 || view.queries < 4)
      return;
    constexpr int64_t kKinds = 8;
    uint64_t counter = ~static_cast<uint64_t>(row);
    switch (randomBelow(stream, counter, kKinds)) {
    case 0:
      validEnd = 0;
      break;
    case 1:
      validEnd = randomBelow(stream ^ 1, counter, view.topk + 1);
      break;
    case 2:
      share = 0;
      break;
    default:
      break;
    }
  }

  std::vector<char> namedRows() const {
    std::vector<char> named(view.tokens * view.kvHeads);
    if (view.indices->elements() == 0)
      return named;
    for (int64_t s = 0; s < view.queries; ++s)
      for (int64_t g = 0; g < view.kvHeads; ++g) {
        const int32_t *index =
            view.indices->data<int32_t>() + view.indexOffset(s, g);
        for (int64_t t = 0; t < view.entries(s); ++t) {
          int64_t token = index[t * view.indexStride()];
          if (token >= 0 && token < view.tokens)
            named[token * view.kvHeads + g] = 1;
        }
      }
    return named;
  }

  const SparsePrefillView &view;
  const InputOptions &options;
  std::vector<int32_t> invalid;
};

/// Fills the tensors that files do not give. In this order, since kv's poison
/// depends on the indices and lengths.
Status fillSparsePrefill(const InputOptions &options,
                         std::vector<HostArgument> &arguments) {
  SparsePrefillView view;
  MLA_RETURN_IF_ERROR(SparsePrefillView::create(arguments, view));
  SparsePrefillInputs inputs(view, options);
  auto generated = [&](const char *name) -> HostTensor * {
    HostArgument *argument = findArgument(arguments, name);
    bool mine = argument && !argument->leftOut && !options.files.count(name);
    return mine ? &argument->tensor : nullptr;
  };
  if (HostTensor *q = generated("q"))
    fillWithNormals(*q, streamSeed(options.seed, "q"), 0.1f);
  if (HostTensor *indices = generated("indices"))
    inputs.fillIndices(*indices);
  if (HostTensor *lengths = generated("topk_length"))
    inputs.fillTopkLength(*lengths);
  if (HostTensor *sink = generated("attn_sink"))
    inputs.fillSink(*sink);
  if (HostTensor *kv = generated("kv"))
    inputs.fillKv(*kv);
  return Status();
}

/// "s_q, s_kv, topk"
std::string join(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Takes sizes that the command line lacks from a file's shape.
Status bindSizes(const KernelDescriptor &descriptor,
                 const ArgumentDescriptor &argument, const HostTensor &file,
                 Sizes &sizes) {
  std::string where = "argument '" + argument.name + "'";
  if (file.shape.size() != argument.shape.size())
    return invalidArgument(where + ": expected a file of rank " +
                           std::to_string(argument.shape.size()) + ", got " +
                           std::to_string(file.shape.size()));
  for (size_t dim = 0; dim < file.shape.size(); ++dim) {
    const Size &size = argument.shape[dim];
    int64_t want = size.fixed;
    if (!size.isFixed())
      want = sizes.emplace(descriptor.sizeNames[size.symbol], file.shape[dim])
                 .first->second;
    if (want != file.shape[dim])
      return invalidArgument(where + ": expected a file of size " +
                             std::to_string(want) + " in dim " +
                             std::to_string(dim) + ", got " +
                             std::to_string(file.shape[dim]));
  }
  return Status();
}

Status checkSizes(const KernelDescriptor &descriptor, const Sizes &sizes) {
  const std::vector<std::string> &names = descriptor.sizeNames;
  for (const auto &[name, value] : sizes) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      return invalidArgument(
          "size '" + name +
          "': the kernel has no such run-time size; it has: " + join(names));
    if (value < 0)
      return invalidArgument("size '" + name + "': expected 0 or more, got " +
                             std::to_string(value));
  }
  for (const std::string &name : names)
    if (!sizes.count(name))
      return invalidArgument("size '" + name + "': missing; give --size " +
                             name + "=N");
  return Status();
}

/// An empty tensor of the argument's shape; its strides follow the padding and
/// those that the kernel fixes.
Status allocate(const ArgumentDescriptor &argument,
                const KernelDescriptor &descriptor, const Sizes &sizes,
                int64_t padding, HostTensor &out) {
  std::string where = "argument '" + argument.name + "'";
  std::vector<int64_t> shape;
  int64_t bytes = itemSize(argument.dtype);
  for (const Size &size : argument.shape) {
    shape.push_back(size.isFixed()
                        ? size.fixed
                        : sizes.at(descriptor.sizeNames[size.symbol]));
    int64_t padded = shape.back() + padding;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(1, padded), &bytes))
      return invalidArgument(where + ": is too large");
  }
  // Beyond any machine's memory: refused here, where the size is named,
  // rather than by the allocator.
  if (bytes > (int64_t(1) << 42))
    return invalidArgument(where + ": is too large (" + std::to_string(bytes) +
                           " bytes)");
  if (padding && shape.size() < 2)
    return invalidArgument(where + ": has no rows to pad");
  out = HostTensor(argument.dtype, shape, padding);
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (shape[dim] > 1 && argument.strides[dim] &&
        *argument.strides[dim] != out.strides[dim])
      return invalidArgument(where + ": the kernel expects stride " +
                             std::to_string(*argument.strides[dim]) +
                             " in dim " + std::to_string(dim) +
                             ", which these sizes and this padding do not "
                             "give (" +
                             std::to_string(out.strides[dim]) + ")");
  return Status();
}

void copyElements(const HostTensor &from, HostTensor &to) {
  int64_t item = itemSize(to.dtype);
  for (int64_t i = 0; i < to.elements(); ++i)
    std::memcpy(to.storage.data() + to.offsetOf(i) * item,
                from.storage.data() + i * item, item);
}

void makeScalar(const ArgumentDescriptor &argument, const InputOptions &options,
                HostArgument &out) {
  out.isTensor = false;
  out.scalarType = argument.dtype;
  out.number = 1;
  out.integer = 1;
  if (argument.name == "scale" && options.scale)
    out.number = *options.scale;
}

/// The default of `scale`, d_qk^-0.5, once q's shape is known.
void setDefaultScale(const InputOptions &options,
                     std::vector<HostArgument> &arguments) {
  HostArgument *scale = findArgument(arguments, "scale");
  const HostArgument *q = findArgument(arguments, "q");
  if (scale && !scale->isTensor && !options.scale && q && q->isTensor &&
      q->tensor.rank() > 0)
    scale->number = 1 / std::sqrt(static_cast<double>(q->tensor.shape.back()));
}

const ArgumentDescriptor *findTensor(const KernelDescriptor &descriptor,
                                     const std::string &name) {
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.name == name && argument.isTensor)
      return &argument;
  return nullptr;
}

std::vector<std::string> optionalNames(const KernelDescriptor &descriptor) {
  std::vector<std::string> names;
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.optional)
      names.push_back(argument.name);
  return names;
}

Status checkNames(const KernelDescriptor &descriptor,
                  const InputOptions &options) {
  for (const auto &[name, pad] : options.padding) {
    if (!findTensor(descriptor, name))
      return invalidArgument("padding of '" + name +
                             "': the kernel has no such tensor");
    if (pad < 0)
      return invalidArgument("padding of '" + name +
                             "': expected 0 or more, got " +
                             std::to_string(pad));
  }
  for (const std::string &name : options.leftOut) {
    const ArgumentDescriptor *argument = findTensor(descriptor, name);
    if (!argument || !argument->optional)
      return invalidArgument(
          "argument '" + name + "': " +
          (argument ? "cannot be left out" : "the kernel has no such tensor") +
          "; those that can: " + join(optionalNames(descriptor)));
    if (options.files.count(name) || options.padding.count(name))
      return invalidArgument("argument '" + name +
                             "': is left out and has an input or padding");
  }
  return Status();
}

/// Reads the files and lets them bind the sizes that are not given.
Status readFiles(const KernelDescriptor &descriptor,
                 const InputOptions &options, Sizes &sizes,
                 std::map<std::string, HostTensor> &out) {
  for (const auto &[name, path] : options.files) {
    const ArgumentDescriptor *argument = findTensor(descriptor, name);
    if (!argument)
      return invalidArgument("input '" + name +
                             "': the kernel has no such tensor");
    if (argument->access == MLA_WRITE)
      return invalidArgument("input '" + name + "': is an output");
    MLA_RETURN_IF_ERROR(readNpy(path, argument->dtype, out[name]));
    MLA_RETURN_IF_ERROR(bindSizes(descriptor, *argument, out[name], sizes));
  }
  return Status();
}

} // namespace

Status makeArguments(const KernelDescriptor &descriptor, Sizes &sizes,
                     const InputOptions &options,
                     std::vector<HostArgument> &out) {
  out.clear();
  std::map<std::string, HostTensor> files;
  MLA_RETURN_IF_ERROR(checkNames(descriptor, options));
  MLA_RETURN_IF_ERROR(readFiles(descriptor, options, sizes, files));
  MLA_RETURN_IF_ERROR(checkSizes(descriptor, sizes));
  bool isSparsePrefill = descriptor.operatorName == "sparse_prefill";
  for (const ArgumentDescriptor &argument : descriptor.arguments) {
    HostArgument &made = out.emplace_back();
    made.name = argument.name;
    made.access = argument.access;
    if (!argument.isTensor) {
      makeScalar(argument, options, made);
      continue;
    }
    if (options.leftOut.count(argument.name)) {
      made.leftOut = true;
      made.tensor = HostTensor(argument.dtype,
                               std::vector<int64_t>(argument.shape.size(), 0));
      continue;
    }
    auto padding = options.padding.find(argument.name);
    MLA_RETURN_IF_ERROR(allocate(
        argument, descriptor, sizes,
        padding == options.padding.end() ? 0 : padding->second, made.tensor));
    if (options.poison || argument.access == MLA_WRITE)
      made.tensor.fillWithPoison();
    if (auto file = files.find(argument.name); file != files.end())
      copyElements(file->second, made.tensor);
    else if (argument.access != MLA_WRITE && !isSparsePrefill)
      fillGeneric(made.tensor, streamSeed(options.seed, argument.name));
  }
  setDefaultScale(options, out);
  return isSparsePrefill ? fillSparsePrefill(options, out) : Status();
}

} // namespace mla::harness
