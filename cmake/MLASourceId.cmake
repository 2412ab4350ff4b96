# A digest of the sources that affect compiled kernels, which is part of the key of
# the kernel cache. It depends on the contents of all linked libraries of the
# project, but not on folders, file times or the order of the build.

# Sets `out` to the folders below lib/ of `target` and of the project's libraries
# that it links. A folder contains all sources of its library, and
# include/mla/FOLDER its public headers and TableGen files.
function(mla_linked_folders target out)
  set(open ${target})
  set(seen)
  set(folders)
  while(open)
    list(POP_FRONT open library)
    if(library IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${library})
    get_target_property(folder ${library} SOURCE_DIR)
    cmake_path(IS_PREFIX CMAKE_SOURCE_DIR "${folder}" is_ours)
    if(NOT is_ours)
      continue()
    endif()
    file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}/lib" "${folder}")
    # Excludes mla_llvm, which is defined in cmake/ and has no sources.
    if(NOT folder MATCHES "^\\.\\.")
      list(APPEND folders "${folder}")
    endif()
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES SOURCES)
      get_target_property(value ${library} ${property})
      # Names of targets, including those in generator expressions:
      # $<TARGET_OBJECTS:MLARuntimeObjects>, $<BUILD_INTERFACE:...>.
      string(REGEX MATCHALL "[A-Za-z0-9_:.+-]+" words "${value}")
      foreach(word ${words})
        string(REGEX REPLACE "^[A-Z_]+:([^:])" "\\1" word "${word}")
        if(TARGET ${word})
          list(APPEND open ${word})
        elseif(property MATCHES LIBRARIES AND word MATCHES "^MLA")
          message(FATAL_ERROR "${library} links ${word}, which must be added "
                              "before ${target}, so that its sources are known")
        endif()
      endforeach()
    endforeach()
  endwhile()
  list(REMOVE_DUPLICATES folders)
  set(${out} ${folders} PARENT_SCOPE)
endfunction()

# Writes the header `output`, which defines MLA_SOURCE_ID as the digest of the
# sources of `target`, and in the same folder sources.txt, their list.
function(mla_source_id target output)
  mla_linked_folders(${target} folders)
  list(TRANSFORM folders REPLACE ".+" "${CMAKE_SOURCE_DIR}/lib/\\0/*"
       OUTPUT_VARIABLE patterns)
  list(TRANSFORM folders REPLACE ".+" "${CMAKE_SOURCE_DIR}/include/mla/\\0/*"
       OUTPUT_VARIABLE headers)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}"
       ${patterns} ${headers})
  # Excludes files that editors leave behind.
  list(FILTER sources EXCLUDE REGEX "/\\.[^/]*$|~$")
  list(SORT sources)
  list(JOIN sources "\n" text)
  cmake_path(REPLACE_FILENAME output sources.txt OUTPUT_VARIABLE list)
  file(CONFIGURE OUTPUT "${list}" CONTENT "${text}\n")
  list(TRANSFORM sources PREPEND "${CMAKE_SOURCE_DIR}/")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DLIST=${list}" "-DSOURCE_DIR=${CMAKE_SOURCE_DIR}"
            "-DOUTPUT=${output}" -P "${CMAKE_SOURCE_DIR}/cmake/SourceId.cmake"
    DEPENDS ${sources} "${list}" "${CMAKE_SOURCE_DIR}/cmake/SourceId.cmake"
    VERBATIM)
endfunction()
