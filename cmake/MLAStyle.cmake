# Style checks.
#   test   clang-format  checks that all sources are formatted
#   target mla-format    formats all sources
#   target mla-tidy      runs clang-tidy on the libraries and tools
find_program(MLA_CLANG_FORMAT NAMES clang-format-22)
find_program(MLA_CLANG_TIDY NAMES clang-tidy-22)
find_program(MLA_RUN_CLANG_TIDY NAMES run-clang-tidy-22)

if(MLA_CLANG_FORMAT)
  set(mla_format "${CMAKE_COMMAND}" "-DCLANG_FORMAT=${MLA_CLANG_FORMAT}"
                 "-DSOURCE_DIR=${CMAKE_SOURCE_DIR}")
  set(mla_format_script "${CMAKE_CURRENT_LIST_DIR}/Format.cmake")
  add_custom_target(mla-format
    COMMAND ${mla_format} -DFIX=ON -P "${mla_format_script}"
    COMMENT "Formatting the sources" VERBATIM)
  if(MLA_BUILD_TESTS)
    add_test(NAME clang-format COMMAND ${mla_format} -P "${mla_format_script}")
    set_tests_properties(clang-format PROPERTIES LABELS style)
  endif()
endif()

if(MLA_CLANG_TIDY AND MLA_RUN_CLANG_TIDY)
  add_custom_target(mla-tidy
    COMMAND "${MLA_RUN_CLANG_TIDY}" -quiet -p "${CMAKE_BINARY_DIR}"
            -clang-tidy-binary "${MLA_CLANG_TIDY}"
            "^${CMAKE_SOURCE_DIR}/(lib|tools)/"
    DEPENDS mla-headers
    USES_TERMINAL VERBATIM)
endif()
