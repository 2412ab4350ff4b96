cmake_minimum_required(VERSION 3.25)
# Writes OUTPUT, which defines MLA_SOURCE_ID as the digest of the names and contents
# of the files in LIST, relative to SOURCE_DIR. See MLASourceId.cmake.
file(STRINGS "${LIST}" sources)
set(digests)
foreach(source ${sources})
  file(SHA256 "${SOURCE_DIR}/${source}" digest)
  string(APPEND digests "${source} ${digest}\n")
endforeach()
string(SHA256 id "${digests}")
string(SUBSTRING "${id}" 0 12 id)
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define MLA_SOURCE_ID \"@id@\"\n" @ONLY)
