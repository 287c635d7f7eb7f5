# LIMPET_WASM → C by wasm2c → engine/wasm2c.c over it. Without wasm2c: build/limpet_core.c, which is
# all of that for the server's core in one file, made where there was one (npm run build).

find_program(LIMPET_WASM2C wasm2c DOC "wasm2c of wabt")
set(ready_made "${LIMPET_ROOT}/build/limpet_core.c")
set(engine_definitions "LIMPET_GUARD=$<BOOL:${LIMPET_GUARD}>"
  "LIMPET_CORE_API=__attribute__((visibility(\"default\")))")

if(LIMPET_WASM2C)
  set(made "${CMAKE_BINARY_DIR}/wasm2c")
  file(MAKE_DIRECTORY "${made}")
  add_custom_command(
    OUTPUT "${made}/limpet-module-code.c" "${made}/limpet-module-code.h" "${made}/limpet-module.h"
    COMMAND "${CMAKE_COMMAND}" "-DWASM2C=${LIMPET_WASM2C}" "-DWASM=${LIMPET_WASM}"
      "-DHEADER=${LIMPET_CORE_HEADER}" "-DOUT=${made}" -P "${CMAKE_CURRENT_LIST_DIR}/wasm2c.cmake"
    DEPENDS "${LIMPET_WASM}" "${LIMPET_CORE_HEADER}" "${CMAKE_CURRENT_LIST_DIR}/wasm2c.cmake"
    COMMENT "wasm2c ${LIMPET_WASM}" VERBATIM)
  set(module_sources "${made}/limpet-module-code.c")
  add_library(limpet_engine OBJECT engine/wasm2c.c engine/wasm-rt.c)
  target_link_libraries(limpet_engine PRIVATE limpet_flags)
  target_include_directories(limpet_engine PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/engine" "${made}")
  target_compile_definitions(limpet_engine PRIVATE ${engine_definitions})
  add_dependencies(limpet_engine limpet_module)
  list(APPEND engine_targets limpet_engine)
elseif(EXISTS "${ready_made}" AND LIMPET_WASM STREQUAL "${LIMPET_ROOT}/build/limpet-server.wasm")
  message(STATUS "There is no wasm2c: the core is build/limpet_core.c")
  set(module_sources "${ready_made}")
else()
  message(FATAL_ERROR "There is no wasm2c (Debian's package wabt), and no build/limpet_core.c "
    "that could stand for ${LIMPET_WASM}")
endif()

# The generated C by itself: its warnings are wasm2c's.
add_library(limpet_module OBJECT ${module_sources})
target_include_directories(limpet_module PRIVATE
  "${CMAKE_CURRENT_SOURCE_DIR}/engine" "${LIMPET_ROOT}/build" ${made})
target_compile_definitions(limpet_module PRIVATE _GNU_SOURCE ${engine_definitions})
target_compile_options(limpet_module PRIVATE -w)
list(APPEND engine_targets limpet_module)
if(LIMPET_GUARD)
  set(engine_words "wasm2c with guard pages")
else()
  set(engine_words "wasm2c with bounds checks")
endif()
