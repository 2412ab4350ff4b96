# Checks the format of all sources with clang-format, or formats them with FIX.
foreach(part bench examples include lib test tools)
  file(GLOB_RECURSE found "${SOURCE_DIR}/${part}/*.cpp" "${SOURCE_DIR}/${part}/*.h"
                         "${SOURCE_DIR}/${part}/*.hpp" "${SOURCE_DIR}/${part}/*.c")
  list(APPEND sources ${found})
endforeach()
if(FIX)
  set(mode -i)
else()
  set(mode --dry-run -Werror)
endif()
execute_process(COMMAND "${CLANG_FORMAT}" ${mode} ${sources} RESULT_VARIABLE code)
if(code)
  message(FATAL_ERROR "not formatted; run\n"
                      "  cmake --build build --target mla-format")
endif()
