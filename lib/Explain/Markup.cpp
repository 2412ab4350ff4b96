//===- Markup.cpp - writes well-formed HTML and SVG -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Markup.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla::explain;
using llvm::StringRef;

void Markup::open(StringRef name, MarkupAttributes attributes) {
  os << "<" << name;
  for (const MarkupAttribute &attribute : attributes) {
    os << " " << attribute.name << "=\"";
    llvm::printHTMLEscaped(attribute.value, os);
    os << "\"";
  }
}

void Markup::element(StringRef name, MarkupAttributes attributes,
                     llvm::function_ref<void()> body) {
  open(name, attributes);
  os << ">";
  body();
  os << "</" << name << ">\n";
}

void Markup::element(StringRef name, MarkupAttributes attributes,
                     StringRef text) {
  open(name, attributes);
  os << ">";
  this->text(text);
  os << "</" << name << ">";
  // What stands inside a line must not be followed by a space.
  if (name != "b" && name != "small" && name != "span")
    os << "\n";
}

void Markup::element(StringRef name, MarkupAttributes attributes) {
  open(name, attributes);
  os << "/>\n";
}

void Markup::text(StringRef text) { llvm::printHTMLEscaped(text, os); }

void Markup::code(StringRef name, StringRef text) {
  // HTML reads the comments as code, XML reads the section as text.
  os << "<" << name << ">/*<![CDATA[*/" << text << "/*]]>*/</" << name << ">\n";
}
