# mla_add_operator(folder): adds the library MLA<Name> of the operator in the folder
# named <Name>, which contains
#   <Name>.td     the table (mla/Dialect/MLA/Operators.td)
#   *.cpp         the sources; Host*.cpp are part of the harness
#   Schedules/    the built-in schedules, <schedule>.mlir
#   tuning.txt    the built-in tuning table (optional)
# Generates <Name>Op.h with the op and its table, for the operator's sources, and
# mla::register<Name>(registry), which registers the op with the mla dialect.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(MLA_LLVM_TBLGEN "${LLVM_TOOLS_BINARY_DIR}/llvm-tblgen")
set(MLA_OPERATORS_DIR "${CMAKE_SOURCE_DIR}/lib/Operators")
# The command that writes a table; append --header, --markdown or --python FILE.
set(MLA_WRITE_TABLE "${Python3_EXECUTABLE}" "${MLA_OPERATORS_DIR}/table.py"
  "--tblgen=${MLA_LLVM_TBLGEN}" "-I${CMAKE_SOURCE_DIR}/include"
  "-I${MLIR_INCLUDE_DIRS}")

function(mla_add_operator folder)
  cmake_path(ABSOLUTE_PATH folder)
  cmake_path(GET folder FILENAME name)
  set(td "${folder}/${name}.td")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  file(MAKE_DIRECTORY "${out}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/Host[^/]*$")

  configure_file("${MLA_OPERATORS_DIR}/Op.h.in" "${out}/${name}Op.h" @ONLY)
  configure_file("${MLA_OPERATORS_DIR}/Op.cpp.in" "${out}/${name}Op.cpp" @ONLY)
  set(tuning "${folder}/tuning.txt")
  set(MLA_EMBEDDED "")
  if(EXISTS "${tuning}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${tuning}")
    file(READ "${tuning}" MLA_EMBEDDED)
  endif()
  configure_file("${MLA_OPERATORS_DIR}/Embedded.inc.in" "${out}/tuning.inc" @ONLY)
  file(GLOB schedules CONFIGURE_DEPENDS "${folder}/Schedules/*.mlir")
  mla_embed("${out}/Schedules.inc" ${schedules})

  set(LLVM_TARGET_DEFINITIONS "${td}")
  set(includes "-I${CMAKE_SOURCE_DIR}/include" "-I${MLIR_INCLUDE_DIRS}")
  mlir_tablegen(${name}/${name}Op.h.inc -gen-op-decls ${includes})
  mlir_tablegen(${name}/${name}Op.cpp.inc -gen-op-defs ${includes})
  add_public_tablegen_target(mla_td_${name})
  file(GLOB bases CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/include/mla/Dialect/MLA/*.td")
  add_custom_command(OUTPUT "${out}/${name}Table.h"
    COMMAND ${MLA_WRITE_TABLE} "${td}" "--header=${out}/${name}Table.h"
    DEPENDS "${td}" ${bases} "${MLA_OPERATORS_DIR}/table.py" VERBATIM)

  mla_add_library(MLA${name} ${sources} "${out}/${name}Op.cpp" "${out}/${name}Table.h")
  add_dependencies(MLA${name} mla_td_${name})
  target_include_directories(MLA${name} PRIVATE "${out}")
  target_link_libraries(MLA${name} PUBLIC MLATileBuilder)
endfunction()
