/* The poller of an application's own loop, and which of its descriptors are the server's. */

#ifndef LIMPET_EXTERNAL_H
#define LIMPET_EXTERNAL_H

#include <stdbool.h>

#include "poller.h"

extern const struct polling polling_external;

/* Which row a descriptor is of; false for one that was never added, or was removed. */
bool external_row(const struct poller *poller, int fd, uint32_t *row);

#endif
