//===- Page.cpp - fills the template of the page with data ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The template is page/page.html. Its references to style.css and to scripts
// are replaced by these files, and the mark for the data by the data.
//
//===----------------------------------------------------------------------===//

#include "mla/Explain/Explain.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla;
using llvm::StringRef;

namespace {
struct PageFile {
  StringRef name, text;
};
} // namespace

static constexpr PageFile kFiles[] = {
#include "PageFiles.inc"
};

static StringRef getFile(StringRef name) {
  for (const PageFile &file : kFiles)
    if (file.name == name)
      return file.text;
  llvm_unreachable("page.html refers to a file that page/ lacks");
}

/// "<" would end the script element that holds the data, or begin a comment in
/// it. It occurs in strings alone, where JSON can escape it.
static void writeEscaped(const llvm::json::Value &data, llvm::raw_ostream &os) {
  std::string text;
  llvm::raw_string_ostream(text) << data;
  StringRef rest = text;
  while (!rest.empty()) {
    auto [before, after] = rest.split('<');
    os << before;
    if (before.size() < rest.size())
      os << "\\u003c";
    rest = after;
  }
}

void explain::writePage(const llvm::json::Value &data, llvm::raw_ostream &os) {
  static constexpr llvm::StringLiteral kData = "{{data}}";
  for (StringRef rest = getFile("page"); !rest.empty();) {
    auto [line, after] = rest.split('\n');
    rest = after;
    StringRef reference = line.trim();
    if (reference.consume_front("<script src=\"") &&
        reference.consume_back(".js\"></script>")) {
      os << "<script>\n" << getFile(reference) << "</script>\n";
    } else if (reference.consume_front("<link rel=\"stylesheet\" href=\"") &&
               reference.consume_back(".css\">")) {
      os << "<style>\n" << getFile(reference) << "</style>\n";
    } else if (size_t at = line.find(kData); at != StringRef::npos) {
      os << line.take_front(at);
      writeEscaped(data, os);
      os << line.drop_front(at + kData.size()) << "\n";
    } else {
      os << line << "\n";
    }
  }
}
