/* A free port of loopback → a listener, and the line that tells where it is. */

#ifndef BENCH_LISTEN_H
#define BENCH_LISTEN_H

/* A non-blocking listener, its address printed as `http://127.0.0.1:PORT/`. Ends the process when
   there is none. */
int listen_open(void);

/* The line that the bench waits for. */
void listen_print(int port);

/* As many files as the process may have, as Node does for itself. */
void listen_raise_files(void);

/* Says what failed, with errno's text, and ends the process. */
_Noreturn void listen_fail(const char *what);

#endif
