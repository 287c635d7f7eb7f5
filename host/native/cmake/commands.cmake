# commands/*.c → limpetd, which knows its profile by the module's name: limpet-server.wasm is server.

get_filename_component(profile "${LIMPET_WASM}" NAME_WE)
string(REGEX REPLACE "^limpet-" "" profile "${profile}")
file(GLOB command_sources CONFIGURE_DEPENDS commands/*.c)
add_executable(limpetd ${command_sources})
target_link_libraries(limpetd PRIVATE limpet limpet_flags)
target_compile_definitions(limpetd PRIVATE "LIMPETD_PROFILE=\"${profile}\"")
install(TARGETS limpetd)
