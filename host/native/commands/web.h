/* Plain HTTP requests → counters and pages. */

#ifndef LIMPETD_WEB_H
#define LIMPETD_WEB_H

#include "arguments.h"

/* Answers at /metrics if that was asked for, and gives the rest to the page, if there is one. */
void web_serve(limpet_server *server, const struct arguments *arguments);

/* Whether it is GET or HEAD; else the request is answered with 405. */
bool web_reads(limpet_session session, const char *method);

/* 404, in words. */
void web_absent(limpet_session session);

#endif
