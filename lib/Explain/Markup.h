//===- Markup.h - writes well-formed HTML and SVG ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_EXPLAIN_MARKUP_H
#define MLA_LIB_EXPLAIN_MARKUP_H

#include "Text.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace mla::explain {

/// An attribute of an element. A number is a coordinate.
struct MarkupAttribute {
  llvm::StringRef name;
  std::string value;
  MarkupAttribute(llvm::StringRef name, std::string value)
      : name(name), value(std::move(value)) {}
  MarkupAttribute(llvm::StringRef name, llvm::StringRef value)
      : name(name), value(value.str()) {}
  MarkupAttribute(llvm::StringRef name, const char *value)
      : name(name), value(value) {}
  MarkupAttribute(llvm::StringRef name, double value)
      : name(name), value(formatCoordinate(value)) {}
};
using MarkupAttributes = std::initializer_list<MarkupAttribute>;

/// Writes elements; what is opened is closed, and text is escaped.
class Markup {
public:
  explicit Markup(llvm::raw_ostream &os) : os(os) {}

  /// An element around what `body` writes.
  void element(llvm::StringRef name, MarkupAttributes attributes,
               llvm::function_ref<void()> body);
  /// An element around a text.
  void element(llvm::StringRef name, MarkupAttributes attributes,
               llvm::StringRef text);
  void element(llvm::StringRef name, MarkupAttributes attributes,
               const std::string &text) {
    element(name, attributes, llvm::StringRef(text));
  }
  void element(llvm::StringRef name, MarkupAttributes attributes,
               const char *text) {
    element(name, attributes, llvm::StringRef(text));
  }
  /// An element without content.
  void element(llvm::StringRef name, MarkupAttributes attributes);

  void text(llvm::StringRef text);
  /// A style sheet or script, whose characters are not escaped.
  void code(llvm::StringRef name, llvm::StringRef text);

private:
  void open(llvm::StringRef name, MarkupAttributes attributes);

  llvm::raw_ostream &os;
};

} // namespace mla::explain

#endif // MLA_LIB_EXPLAIN_MARKUP_H
