# An archive of the core with its engine → a line that says how much machine code that is.
#   cmake -DSIZE=size -DARCHIVE=… -DENGINE=… -P size.cmake

execute_process(COMMAND "${SIZE}" "${ARCHIVE}" OUTPUT_VARIABLE table ERROR_QUIET)
string(REGEX MATCHALL "\n *[0-9]+" rows "${table}")
set(total 0)
foreach(row IN LISTS rows)
  string(STRIP "${row}" row)
  math(EXPR total "${total} + ${row}")
endforeach()
message("${ENGINE}: ${total} bytes of code and constants")
