/* A descriptor that becomes readable when another thread, or a signal handler, says so.
 *
 *   wake_ring (any thread, signal handlers) ─► wake.reader readable ─► the poller returns ─► wake_clear */

#ifndef LIMPET_WAKE_H
#define LIMPET_WAKE_H

/* An eventfd, which is both ends, or a pipe. */
struct wake {
  /* What the poller watches. */
  int reader;
  int writer;
};

/* Makes the descriptors: 0, or LIMPET_E_SYSTEM (errno says why). */
int wake_open(struct wake *wake);
/* Closes them. A wake that was not opened has -1 in both. */
void wake_close(struct wake *wake);
/* Makes `reader` readable; any number of times is once. Async-signal-safe: errno stays what it was. */
void wake_ring(const struct wake *wake);
/* Takes back what rang until now. */
void wake_clear(const struct wake *wake);

#endif
