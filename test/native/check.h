/* What tests say when something is not as it should be: where, and what. Then they end with 1. */

#ifndef LIMPET_TEST_CHECK_H
#define LIMPET_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

#define CHECK_EQUAL(left, right)                                                  \
  do {                                                                            \
    const long long left_ = (long long)(left), right_ = (long long)(right);       \
    if (left_ != right_) {                                                        \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #left, \
              left_, right_);                                                     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

#endif
