/* A file that says which process is at work, and that a second one notices. */

#ifndef LIMPET_LOCKFILE_H
#define LIMPET_LOCKFILE_H

/* Makes the file, locks it, and keeps it locked while this process and those it forks live. 0, or LIMPET_E_STATE
 * when another process holds it (its id is in limpet_last_error), or LIMPET_E_SYSTEM. One for each process. */
int lockfile_take(const char *path);

/* Writes this process's id into it; the file goes when this process exits. Nothing without a file. */
int lockfile_own(void);

/* Gives it up: after a fork that failed. */
void lockfile_drop(void);

#endif
