# Common compile flags, linking of LLVM and MLIR, and functions to add libraries.

add_compile_options(-Wall -Wextra -Wno-unused-parameter)
include_directories(${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/include)

# `mla_llvm`: LLVM and MLIR, for libraries that use them.
add_library(mla_llvm INTERFACE)
target_include_directories(mla_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS}
                                                     ${MLIR_INCLUDE_DIRS})
# Debian builds LLVM without RTTI and exceptions; classes derived from LLVM's must
# match.
target_compile_options(mla_llvm INTERFACE -fno-rtti -fno-exceptions)

if(MLA_STATIC)
  # The exported CMake targets of Debian's static MLIR libraries depend on
  # libLLVM.so, so link the archives individually, in a group because of their
  # cyclic dependencies. --gc-sections removes unused code.
  file(GLOB mla_archives "${LLVM_LIBRARY_DIRS}/libMLIR*.a")
  list(FILTER mla_archives EXCLUDE REGEX "libMLIR(CAPI|Test|Mlir|.*Test).*\\.a$")
  execute_process(
    COMMAND "${LLVM_TOOLS_BINARY_DIR}/llvm-config" --link-static --libfiles
            core passes nvptx nvptxcodegen irreader targetparser native
    OUTPUT_VARIABLE mla_llvm_archives OUTPUT_STRIP_TRAILING_WHITESPACE)
  separate_arguments(mla_llvm_archives UNIX_COMMAND "${mla_llvm_archives}")
  target_link_libraries(mla_llvm INTERFACE
    -Wl,--start-group ${mla_archives} ${mla_llvm_archives} -Wl,--end-group
    -Wl,--gc-sections -l:libz.a -l:libzstd.a dl pthread m)
  # The target machine may have no libraries except glibc.
  add_link_options(-static-libstdc++ -static-libgcc)
  target_compile_options(mla_llvm INTERFACE -ffunction-sections -fdata-sections)
else()
  target_link_libraries(mla_llvm INTERFACE MLIR LLVM)
endif()

# Parsing MLIR's headers takes longer than compiling most files of the project, so
# they are precompiled. Every file still includes what it uses.
option(MLA_PCH "Precompile MLIR's headers" ON)
if(MLA_PCH)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/mlir-headers.cpp" CONTENT "")
  add_library(mla-mlir-headers OBJECT "${CMAKE_BINARY_DIR}/mlir-headers.cpp")
  target_link_libraries(mla-mlir-headers PRIVATE mla_llvm)
  set_target_properties(mla-mlir-headers PROPERTIES
    POSITION_INDEPENDENT_CODE ON)
  target_precompile_headers(mla-mlir-headers PRIVATE
    <mlir/Bytecode/BytecodeOpInterface.h>
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/IR/Builders.h>
    <mlir/IR/BuiltinOps.h>
    <mlir/IR/DialectImplementation.h>
    <mlir/IR/ImplicitLocOpBuilder.h>
    <mlir/Pass/Pass.h>
    <llvm/ADT/TypeSwitch.h>
    <llvm/Support/FormatVariadic.h>)
endif()

# mla_add_library(name sources...): a library that uses MLIR. It depends on
# `mla-headers`, which generates all TableGen headers.
add_custom_target(mla-headers)
function(mla_add_library name)
  add_library(${name} STATIC ${ARGN})
  add_dependencies(${name} mla-headers)
  # Required by libmla-jit.so and by the precompiled headers.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PUBLIC mla_llvm)
  if(MLA_PCH)
    target_precompile_headers(${name} REUSE_FROM mla-mlir-headers)
  endif()
endfunction()

# mla_embed(output file...): writes a row {"stem", R"mla(text)mla"}, for each text
# file to the C++ file `output`.
function(mla_embed output)
  set(rows "")
  foreach(file ${ARGN})
    get_filename_component(file "${file}" ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    get_filename_component(stem "${file}" NAME_WE)
    file(READ "${file}" text)
    string(APPEND rows "{\"${stem}\", R\"mla(${text})mla\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT "${output}" CONTENT "${rows}" @ONLY)
endfunction()

# mla_tablegen(file.td output generator-flags...)
function(mla_tablegen td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(outputs ${ARGN})
  while(outputs)
    list(POP_FRONT outputs output flags)
    separate_arguments(flags UNIX_COMMAND "${flags}")
    mlir_tablegen(${output} ${flags})
  endwhile()
  get_filename_component(stem ${td} NAME_WE)
  string(MAKE_C_IDENTIFIER "${CMAKE_CURRENT_SOURCE_DIR}_${stem}" id)
  string(REGEX REPLACE ".*include_mla_" "mla_td_" id "${id}")
  add_public_tablegen_target(${id})
  add_dependencies(mla-headers ${id})
endfunction()
