# A module of the core → its C, by wasm2c, and limpet-module.h, what engine/wasm2c.c has to know of it.
#   cmake -DWASM2C=… -DWASM=… -DHEADER=…/limpet_core.h -DOUT=folder -P wasm2c.cmake

execute_process(
  COMMAND "${WASM2C}" "${WASM}" -n limpet -o "${OUT}/limpet-module-code.c"
  RESULT_VARIABLE status ERROR_VARIABLE complaint)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "wasm2c refuses ${WASM} (is it a build with SIMD?)\n${complaint}")
endif()

file(READ "${OUT}/limpet-module-code.h" code_header)
file(STRINGS "${OUT}/limpet-module-code.c" globals REGEX "heap_base = [0-9]+u")
if(NOT globals MATCHES "heap_base = ([0-9]+)u")
  message(FATAL_ERROR "${WASM}: no __heap_base, so it is no module of the core")
endif()
set(memory "${CMAKE_MATCH_1}")

# X(name, count) of limpet_core.h, by whether the module exports it.
file(READ "${HEADER}" core_header)
string(REGEX MATCHALL "\n  X\\([a-z_]+, [0-9]\\)" exports "${core_header}")
set(calls "")
set(lacks "")
foreach(export IN LISTS exports)
  string(STRIP "${export}" entry)
  string(REGEX REPLACE "X\\(([a-z_]+), .*" "\\1" name "${entry}")
  if(code_header MATCHES "export: 'limpet_${name}'")
    string(APPEND calls " \\\n  ${entry}")
  else()
    string(APPEND lacks " \\\n  ${entry}")
  endif()
endforeach()
if(calls STREQUAL "")
  message(FATAL_ERROR "${WASM} and ${HEADER} have no export in common")
endif()

string(FIND "${code_header}" "Z_limpet_instance_t" at)
if(at EQUAL -1)
  set(names 0)
else()
  set(names 1)
endif()
file(WRITE "${OUT}/limpet-module.h" "/* What wasm2c found in the module: made by the build, do not edit. */
#ifndef LIMPET_MODULE_H
#define LIMPET_MODULE_H

/* 1: names as wasm2c 1.0.32 gives them, Z_limpetZ_limpet_open; 0: later ones, w2c_limpet_limpet_open. */
#define LIMPET_MODULE_Z ${names}
/* Bytes of linear memory that the core uses. */
#define LIMPET_MODULE_MEMORY ${memory}u
/* The exports of limpet_core.h that the module has, and those that it lacks. */
#define LIMPET_MODULE_CALLS(X)${calls}
#define LIMPET_MODULE_LACKS(X)${lacks}

#endif
")
