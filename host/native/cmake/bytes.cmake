# A file → a C array of its bytes, for a library that carries its module.
#   cmake -DFILE=… -DOUT=….c -P bytes.cmake

file(READ "${FILE}" digits HEX)
string(LENGTH "${digits}" count)
math(EXPR count "${count} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" digits "${digits}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," digits "${digits}")
file(WRITE "${OUT}" "/* The module of the core, made by the build: do not edit. */
extern const unsigned char limpet_module_bytes[];
extern const unsigned int limpet_module_size;
const unsigned int limpet_module_size = ${count};
const unsigned char limpet_module_bytes[] = {
${digits}
};
")
