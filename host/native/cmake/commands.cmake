# commands/*.c → limpetd, which knows its profile by the module's name (limpet-server.wasm is server), and carries
# the pages of --demo and --chat.

get_filename_component(profile "${LIMPET_WASM}" NAME_WE)
string(REGEX REPLACE "^limpet-" "" profile "${profile}")

set(pages "${CMAKE_BINARY_DIR}/limpetd-pages.c")
set(html "")
foreach(name IN ITEMS page chat)
  if(EXISTS "${LIMPET_ROOT}/build/${name}.html")
    list(APPEND html "${LIMPET_ROOT}/build/${name}.html")
  endif()
endforeach()
add_custom_command(OUTPUT "${pages}"
  COMMAND "${CMAKE_COMMAND}" "-DFOLDER=${LIMPET_ROOT}/build" "-DOUT=${pages}"
    -P "${CMAKE_CURRENT_LIST_DIR}/pages.cmake"
  DEPENDS ${html} "${CMAKE_CURRENT_LIST_DIR}/pages.cmake" VERBATIM)

file(GLOB command_sources CONFIGURE_DEPENDS commands/*.c)
add_executable(limpetd ${command_sources} "${pages}")
target_include_directories(limpetd PRIVATE commands)
target_link_libraries(limpetd PRIVATE limpet_inside limpet_flags)
target_compile_definitions(limpetd PRIVATE "LIMPETD_PROFILE=\"${profile}\"")
install(TARGETS limpetd)
