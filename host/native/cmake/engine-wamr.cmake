# LIMPET_WASM → bytes in the library → engine/wamr.c over WAMR, which comes from
#   1. WAMR_ROOT_DIR: its source, built with its own build-scripts/runtime_lib.cmake
#   2. an installed libiwasm with wasm_export.h
#   3. the source inside the crate wamrx-sys, which cargo fetches (host/native/wamr/Cargo.lock)

set(WAMR_ROOT_DIR "" CACHE PATH "WAMR's source; else an installed libiwasm, else cargo's crate wamrx-sys")
set(LIMPET_WAMR_INTERPRETER fast CACHE STRING "fast, or classic: slower, with less memory for code")
option(LIMPET_EMBED "wamr: carry the module in the library; else it is read from LIMPET_WASM" ON)

# wamrc's files: WAMR runs them without an interpreter.
if(LIMPET_WASM MATCHES "\\.aot$")
  set(wamr_mode aot)
else()
  set(wamr_mode "${LIMPET_WAMR_INTERPRETER}")
endif()
if(NOT wamr_mode MATCHES "^(fast|classic|aot)$")
  message(FATAL_ERROR "LIMPET_WAMR_INTERPRETER is fast or classic, not ${wamr_mode}")
endif()

set(wamr_root "${WAMR_ROOT_DIR}")
if(NOT wamr_root)
  find_path(LIMPET_IWASM_INCLUDE wasm_export.h)
  find_library(LIMPET_IWASM iwasm)
endif()
if(NOT wamr_root AND NOT (LIMPET_IWASM AND LIMPET_IWASM_INCLUDE))
  set(crate --locked --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/wamr/Cargo.toml")
  execute_process(COMMAND cargo fetch ${crate} RESULT_VARIABLE status ERROR_VARIABLE complaint)
  if(status EQUAL 0)
    execute_process(COMMAND cargo metadata ${crate} --format-version 1 --offline
      OUTPUT_VARIABLE metadata RESULT_VARIABLE status ERROR_VARIABLE complaint)
  endif()
  if(NOT status EQUAL 0 OR NOT metadata MATCHES "\"manifest_path\":\"([^\"]*wamrx-sys[^\"]*)/Cargo.toml\"")
    message(FATAL_ERROR "There is no WAMR: set WAMR_ROOT_DIR, install libiwasm, or install cargo "
      "and let it fetch the crate wamrx-sys\n${status} ${complaint}")
  endif()
  set(wamr_root "${CMAKE_MATCH_1}/wasm-micro-runtime")
endif()

if(wamr_root)
  if(NOT EXISTS "${wamr_root}/build-scripts/runtime_lib.cmake")
    message(FATAL_ERROR "WAMR_ROOT_DIR: there is no ${wamr_root}/build-scripts/runtime_lib.cmake")
  endif()
  message(STATUS "WAMR (${wamr_mode}) from ${wamr_root}")
  add_subdirectory(wamr)
  list(APPEND engine_targets limpet_wamr)
  set(wamr_include "${wamr_root}/core/iwasm/include")
  list(APPEND engine_libraries ${CMAKE_DL_LIBS})
else()
  message(STATUS "WAMR from ${LIMPET_IWASM}")
  list(APPEND engine_libraries "${LIMPET_IWASM}")
  set(wamr_include "${LIMPET_IWASM_INCLUDE}")
endif()

add_library(limpet_engine OBJECT engine/wamr.c)
target_link_libraries(limpet_engine PRIVATE limpet_flags)
target_include_directories(limpet_engine PRIVATE "${wamr_include}")
target_compile_definitions(limpet_engine PRIVATE
  "LIMPET_CORE_API=__attribute__((visibility(\"default\")))")
list(APPEND engine_targets limpet_engine)
if(LIMPET_EMBED)
  set(bytes "${CMAKE_BINARY_DIR}/limpet-module-bytes.c")
  add_custom_command(OUTPUT "${bytes}"
    COMMAND "${CMAKE_COMMAND}" "-DFILE=${LIMPET_WASM}" "-DOUT=${bytes}"
      -P "${CMAKE_CURRENT_LIST_DIR}/bytes.cmake"
    DEPENDS "${LIMPET_WASM}" "${CMAKE_CURRENT_LIST_DIR}/bytes.cmake" VERBATIM)
  target_sources(limpet_engine PRIVATE "${bytes}")
else()
  target_compile_definitions(limpet_engine PRIVATE "LIMPET_MODULE_PATH=\"${LIMPET_WASM}\"")
endif()
set(engine_words "wamr (${wamr_mode})")
