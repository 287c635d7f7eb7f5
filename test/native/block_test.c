/* Pieces of a block: aligned, apart from each other, and all there again when they were given back. */

#include "block.h"

#include "check.h"

#define BLOCK_BYTES 65536
#define PIECES 200

static _Alignas(BLOCK_ALIGNMENT) uint8_t memory[BLOCK_BYTES];

/* A generator of its own: the same numbers on every machine. */
static uint32_t state = 1;
static uint32_t next_number(void) {
  state = state * UINT32_C(1664525) + UINT32_C(1013904223);
  return state >> 8;
}

/* The longest piece that a block gives now. */
static size_t longest(struct block *block) {
  size_t low = 0, high = BLOCK_BYTES;
  while (low < high) {
    const size_t middle = (low + high + 1) / 2;
    void *piece = block_take(block, middle);
    if (piece) {
      block_give(block, piece);
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

static void test_all_of_it(void) {
  struct block *block = block_begin(memory, sizeof memory);
  CHECK(block);
  const size_t most = longest(block);
  CHECK_EQUAL(block_room(most) + block_overhead(), BLOCK_BYTES);
  CHECK(!block_take(block, most + 1));
  CHECK(!block_take(block, SIZE_MAX));
  CHECK(!block_take(block, SIZE_MAX - 8));
  void *empty = block_take(block, 0);
  CHECK(empty);
  block_give(block, empty);
  CHECK_EQUAL(longest(block), most);
}

static void test_bad_blocks(void) {
  CHECK(!block_begin(NULL, BLOCK_BYTES));
  CHECK(!block_begin(memory + 8, BLOCK_BYTES - 8));
  CHECK(!block_begin(memory, 0));
  CHECK(!block_begin(memory, block_overhead()));
  CHECK(block_begin(memory, block_overhead() + block_room(1)));
}

/* Takes and gives back in any order; each piece keeps what was written to it. */
static void test_any_order(void) {
  struct block *block = block_begin(memory, sizeof memory);
  const size_t most = longest(block);
  uint8_t *pieces[PIECES] = {0};
  size_t sizes[PIECES] = {0};
  int refused = 0;
  for (int round = 0; round < 20000; round++) {
    const uint32_t at = next_number() % PIECES;
    if (pieces[at]) {
      for (size_t i = 0; i < sizes[at]; i++) CHECK(pieces[at][i] == (uint8_t)at);
      block_give(block, pieces[at]);
      pieces[at] = NULL;
      continue;
    }
    sizes[at] = next_number() % (next_number() % 8 == 0 ? 4096 : 400);
    pieces[at] = block_take(block, sizes[at]);
    if (!pieces[at]) {
      refused++;
      continue;
    }
    CHECK((uintptr_t)pieces[at] % BLOCK_ALIGNMENT == 0);
    CHECK(pieces[at] >= memory && pieces[at] + sizes[at] <= memory + sizeof memory);
    CHECK(block_piece(pieces[at]) >= sizes[at]);
    memset(pieces[at], (int)at, sizes[at]);
  }
  // The block was full at times, so that what was refused is tried, too.
  CHECK(refused > 0);
  for (int at = 0; at < PIECES; at++) {
    if (pieces[at]) block_give(block, pieces[at]);
  }
  CHECK_EQUAL(longest(block), most);
}

/* As many pieces as block_room says find room. */
static void test_room(void) {
  const size_t sizes[] = {1, 16, 17, 100, 1000, 5000};
  size_t bytes = block_overhead();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) bytes += block_room(sizes[i]);
  struct block *block = block_begin(memory, bytes);
  CHECK(block);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) CHECK(block_take(block, sizes[i]));
  CHECK(!block_take(block, 1));
}

int main(void) {
  test_all_of_it();
  test_bad_blocks();
  test_any_order();
  test_room();
  return 0;
}
