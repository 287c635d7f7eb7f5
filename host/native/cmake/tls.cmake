# mbedTLS 2.28 or 3, by its headers and libraries: not every distribution has its CMake files.
# Another place: -DCMAKE_PREFIX_PATH=...

find_path(MBEDTLS_INCLUDE_DIR mbedtls/ssl.h)
find_library(MBEDTLS_LIBRARY mbedtls)
find_library(MBEDX509_LIBRARY mbedx509)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto)
if(NOT MBEDTLS_INCLUDE_DIR OR NOT MBEDTLS_LIBRARY OR NOT MBEDX509_LIBRARY OR NOT MBEDCRYPTO_LIBRARY)
  message(FATAL_ERROR "mbedTLS is not here: apt-get install libmbedtls-dev, or configure with -DLIMPET_TLS=OFF")
endif()
target_compile_definitions(limpet_flags INTERFACE LIMPET_TLS)
target_include_directories(limpet_flags SYSTEM INTERFACE "${MBEDTLS_INCLUDE_DIR}")
list(APPEND engine_libraries "${MBEDTLS_LIBRARY}" "${MBEDX509_LIBRARY}" "${MBEDCRYPTO_LIBRARY}")
