/* Tests with names, for docs/coming-from.md: a program runs all of its cases, and says which one it is in. */

#ifndef LIMPET_CASES_H
#define LIMPET_CASES_H

#include <stdio.h>

struct test_case {
  const char *name;
  void (*run)(void);
};

#define CASES_RUN(cases)                                              \
  for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++) {      \
    printf("%s\n", (cases)[i].name);                                  \
    fflush(stdout);                                                   \
    (cases)[i].run();                                                 \
  }

#endif
