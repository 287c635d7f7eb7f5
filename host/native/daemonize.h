/* limpet_daemonize in two steps, for programs that still have something to say on their terminal. */

#ifndef LIMPET_DAEMONIZE_H
#define LIMPET_DAEMONIZE_H

/* Forks, and returns 0 in the daemon, which has the lock file then (NULL for none). The parent waits: it exits with
 * 0 at daemon_ready, and returns a code when there is no daemon (the daemon's own words came to stderr). */
int daemon_begin(const char *lock_file);

/* All is well: stdin, stdout and stderr are /dev/null from now on, and the parent may go. */
int daemon_ready(void);

#endif
