// What limpet_core.h says of an instance of the core, before the calls that are its exports.

export const INSTANCE_C = `/* An instance of the core: its linear memory and all that is in it. */
typedef struct limpet_core limpet_core;

/* What a call answers when the core trapped in it, and every later call of that core. A trap is
 * a bug of Limpet's, or the host wrote where it may not; nothing that a peer sends leads there.
 * The process goes on, other cores too; all that is left to do with this one is limpet_core_free. */
#define LIMPET_CORE_TRAP INT32_MIN

/* Before a function: defined by who builds a library of them. */
#ifndef LIMPET_CORE_API
#define LIMPET_CORE_API
#endif

/* Makes an instance. Its memory is reserved whole, and pages that the core never touches cost nothing.
 * Returns: the instance, until limpet_core_free; NULL when memory is short or the engine cannot start:
 * limpet_core_failure says why */
LIMPET_CORE_API limpet_core *limpet_core_new(void);

/* Bytes that limpet_core_new_in needs. 0 where the engine cannot do without memory of its own:
 * wasm2c with guard pages, and WAMR. */
LIMPET_CORE_API size_t limpet_core_bytes(void);

/* Makes an instance, linear memory and all, in memory of the caller's, and allocates nothing.
 * memory: of any alignment, the instance's until limpet_core_free. It is cleared first; pages that
 * are zero already are only read
 * bytes: how many there are; limpet_core_bytes() or more
 * Returns: the instance, somewhere in that memory; NULL when that is NULL or too small, or where
 * limpet_core_bytes() is 0 */
LIMPET_CORE_API limpet_core *limpet_core_new_in(void *memory, size_t bytes);

/* Ends an instance; pointers into its memory are dead from then on. What was given to
 * limpet_core_new_in is the caller's again.
 * core: an instance, or NULL: nothing happens */
LIMPET_CORE_API void limpet_core_free(limpet_core *core);

/* Why the last limpet_core_new or limpet_core_new_in of this thread answered NULL.
 * Returns: words, good until the thread's next one; "" when there was no failure */
LIMPET_CORE_API const char *limpet_core_failure(void);

/* Linear memory. The host writes to Region.INGRESS and Region.SCRATCH only, and where a call says.
 * Returns: its first byte, which stays where it is until limpet_core_free */
LIMPET_CORE_API uint8_t *limpet_core_memory(limpet_core *core);

/* Bytes of linear memory. Engines differ in what they leave of the last, empty part of it. */
LIMPET_CORE_API uint32_t limpet_core_memory_size(limpet_core *core);

/* What runs the core: "wasm2c" or "wamr". */
LIMPET_CORE_API const char *limpet_core_engine(void);

/* The calls. One for a core that is NULL answers ErrorCode.ARGUMENT. */`;
