# Installation, and the targets of find_package(MLA):
#   MLA::runtime   libmla-runtime.so and mla/Runtime/Runtime.{h,hpp}
#   MLA::jit       libmla-jit.so, which includes the runtime, and mla/JIT/JIT.{h,hpp}
# The components `runtime` and `jit` can be installed separately.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(mla_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/MLA)

# One export file per library, so that one can be installed without the other.
function(mla_install component target)
  # The RPATH finds libMLIR.so and libLLVM.so unless they are linked statically.
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${component} INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ${target} EXPORT MLA-${component}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component}
    NAMELINK_COMPONENT ${component}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT MLA-${component} NAMESPACE MLA:: DESTINATION ${mla_cmake_dir}
    COMPONENT ${component})
  # Both components install the common headers, since either works alone.
  install(FILES include/mla/Runtime/Runtime.h include/mla/Runtime/Runtime.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mla/Runtime COMPONENT ${component})
  install(FILES "${CMAKE_BINARY_DIR}/MLAConfig.cmake"
                "${CMAKE_BINARY_DIR}/MLAConfigVersion.cmake"
    DESTINATION ${mla_cmake_dir} COMPONENT ${component})
  install(FILES LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${component})
endfunction()

configure_package_config_file(cmake/MLAConfig.cmake.in MLAConfig.cmake
  INSTALL_DESTINATION ${mla_cmake_dir})
# Before 1.0 a new minor version may be incompatible.
write_basic_package_version_file(MLAConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

mla_install(runtime MLARuntimeShared)
if(TARGET MLAJITShared)
  mla_install(jit MLAJITShared)
  install(FILES include/mla/JIT/JIT.h include/mla/JIT/JIT.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mla/JIT COMPONENT jit)
endif()
foreach(tool mla-run mla-jit mla-opt)
  if(TARGET ${tool})
    install(TARGETS ${tool}
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  endif()
endforeach()
