//===- TestSupport.h - interprets tile programs given as text ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_INTERPRETER_TESTSUPPORT_H
#define MLA_TEST_UNIT_INTERPRETER_TESTSUPPORT_H

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace mla::interp {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// An array that owns its elements, encoded in their type.
class Array {
public:
  Array(ElementType type, std::vector<int64_t> shape,
        std::vector<double> values)
      : type(type), shape(std::move(shape)) {
    bytes.resize(values.size() * getByteWidth(type));
    for (size_t n = 0; n < values.size(); ++n)
      set(n, values[n]);
  }
  /// Filled with one value.
  Array(ElementType type, std::vector<int64_t> shape, double value = 0)
      : Array(type, shape, std::vector<double>(count(shape), value)) {}

  void set(size_t n, double value) {
    Lane lane = isFloat(type) ? Lane::ofFloat(static_cast<float>(value))
                              : Lane::ofInt(static_cast<int64_t>(value));
    writeElement(type, bytes.data() + n * getByteWidth(type), lane);
  }
  double get(size_t n) const {
    Lane lane = readElement(type, bytes.data() + n * getByteWidth(type));
    return isFloat(type) ? lane.f : static_cast<double>(lane.i);
  }
  std::vector<double> values() const {
    std::vector<double> result(bytes.size() / getByteWidth(type));
    for (size_t n = 0; n < result.size(); ++n)
      result[n] = get(n);
    return result;
  }

  operator Argument() {
    return Argument::array(type, bytes.data(), shape, strides);
  }

  ElementType type;
  std::vector<int64_t> shape;
  /// Empty for a contiguous array.
  std::vector<int64_t> strides;

private:
  static size_t count(const std::vector<int64_t> &shape) {
    size_t product = 1;
    for (int64_t size : shape)
      product *= static_cast<size_t>(size);
    return product;
  }
  std::vector<char> bytes;
};

inline Array f32(std::vector<int64_t> shape, std::vector<double> values) {
  return Array(ElementType::F32, std::move(shape), std::move(values));
}
inline Array i32(std::vector<int64_t> shape, std::vector<double> values) {
  return Array(ElementType::I32, std::move(shape), std::move(values));
}
/// An output filled with NaN, which reveals elements that are not written.
inline Array out(std::vector<int64_t> shape) {
  return Array(ElementType::F32, std::move(shape), kNaN);
}
inline Argument index(int64_t value) {
  return Argument::integer(ElementType::Index, value);
}
inline Argument scalar(float value) {
  return Argument::floating(ElementType::F32, value);
}

class InterpreterTest : public ::testing::Test {
protected:
  InterpreterTest()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          std::string text;
          llvm::raw_string_ostream(text)
              << diagnostic.getLocation() << ": " << diagnostic.str();
          errors.push_back(text);
          return mlir::success();
        }) {
    context.loadDialect<tile::TileDialect, mlir::func::FuncDialect,
                        mlir::scf::SCFDialect, mlir::math::MathDialect,
                        mlir::affine::AffineDialect,
                        mlir::memref::MemRefDialect>();
  }

  /// Interprets the first function of a module.
  bool runModule(llvm::StringRef text, llvm::ArrayRef<Argument> arguments,
                 const Options &options = {}) {
    errors.clear();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context, "test");
    if (!module)
      return false;
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    return mlir::succeeded(interpret(function, arguments, options));
  }

  /// Interprets a function with these parameters and this body, which may use
  /// %c0 and %c1.
  bool run(llvm::StringRef parameters, llvm::StringRef body,
           llvm::ArrayRef<Argument> arguments, const Options &options = {}) {
    std::string text =
        ("func.func @f(" + parameters + ") {\n" +
         "%c0 = arith.constant 0 : index\n" +
         "%c1 = arith.constant 1 : index\n" + body + "\nreturn\n}\n")
            .str();
    bool done = runModule(text, arguments, options);
    if (!module)
      ADD_FAILURE() << "does not parse: " << getError() << "\n" << text;
    return done;
  }

  /// The error with its location, if there is exactly one.
  std::string getError() const {
    return errors.size() == 1 ? errors.front()
                              : std::to_string(errors.size()) + " errors";
  }

  mlir::MLIRContext context;
  std::vector<std::string> errors;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

using Doubles = std::vector<double>;

} // namespace mla::interp

#endif // MLA_TEST_UNIT_INTERPRETER_TESTSUPPORT_H
