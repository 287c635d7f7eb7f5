/* Plain HTTP requests → counters and pages. */

#ifndef LIMPETD_WEB_H
#define LIMPETD_WEB_H

#include "arguments.h"

/* Answers at /metrics, and with the pages of --demo and --chat, as far as they were asked for. */
void web_serve(limpet_server *server, const struct arguments *arguments);

#endif
