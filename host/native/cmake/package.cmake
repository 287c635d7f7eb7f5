# What `cmake --install` leaves: headers, libraries, limpet.pc for pkg-config, LimpetConfig.cmake for
# find_package(Limpet), which gives Limpet::limpet and, where it was made, Limpet::limpet_shared.

include(CMakePackageConfigHelpers)

install(FILES "${LIMPET_CORE_HEADER}" TYPE INCLUDE)
if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/limpet.h")
  install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/limpet.h" TYPE INCLUDE)
endif()
install(TARGETS ${libraries} EXPORT LimpetTargets)

set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Limpet")
install(EXPORT LimpetTargets NAMESPACE Limpet:: DESTINATION "${config_folder}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/LimpetConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/LimpetConfig.cmake" INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/LimpetConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/LimpetConfig.cmake"
  "${CMAKE_BINARY_DIR}/LimpetConfigVersion.cmake" DESTINATION "${config_folder}")

# What liblimpet.a needs beside itself. The shared library brings it along.
set(pc_libraries "")
foreach(library IN LISTS engine_libraries)
  if(library STREQUAL "Threads::Threads")
    string(APPEND pc_libraries " -pthread")
  elseif(IS_ABSOLUTE "${library}")
    string(APPEND pc_libraries " ${library}")
  else()
    string(APPEND pc_libraries " -l${library}")
  endif()
endforeach()
if(LIMPET_SHARED)
  set(pc_public "")
  set(pc_private "${pc_libraries}")
else()
  set(pc_public "${pc_libraries}")
  set(pc_private "")
endif()
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/limpet.pc.in" "${CMAKE_BINARY_DIR}/limpet.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/limpet.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
