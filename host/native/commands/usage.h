/* What `limpetd --help` prints. */

#ifndef LIMPETD_USAGE_H
#define LIMPETD_USAGE_H

#define USAGE                                                                                     \
  "usage: limpetd [options]\n"                                                                    \
  "  --host HOST           address to listen on, or unix:/path (127.0.0.1)\n"                     \
  "  --port PORT           port to listen on, 0 for a free one (8080)\n"                          \
  "  --echo                every path echoes; without it only /echo does\n"                       \
  "  --demo                a page at / to try it with, and its counters at /stats\n"              \
  "  --chat                a page at / where people talk in rooms, and nothing else\n"            \
  "  --profile NAME        the one that limpetd was built with (" LIMPETD_PROFILE                 \
  ")\n"                                                                                           \
  "  --max-message BYTES   longest message taken (16777216)\n"                                    \
  "  --max-connections N   connections at once (all that there is room for)\n"                    \
  "  --threads N           threads that serve behind the port (1); --workers N is the same\n"     \
  "  --ping-interval MS    silence after which a ping is sent, 0 = never (0)\n"                   \
  "  --idle-timeout MS     silence after which a connection is closed, 0 = never (0)\n"           \
  "  --deflate[=LEVEL]     permessage-deflate, level 0 to 9 (6)\n"                                \
  "  --deflate-window W    its largest window, 8 to 15 (the profile's)\n"                         \
  "  --deflate-threshold BYTES\n"                                                                 \
  "                        messages shorter than this go as they are (64)\n"                      \
  "  --no-context-takeover no context is kept from one message to the next\n"                     \
  "  --origin ORIGIN       pages of this origin may connect, others get 403; may be given more\n" \
  "                        than once (all): https://example.com, https://*.example.com\n"         \
  "  --token TOKEN         who connects has to bring this bearer token, else 401; may be given\n" \
  "                        more than once (none is asked for)\n"                                  \
  "  --max-per-address N   connections of one address, 0 = no bound (0)\n"                        \
  "  --trust-proxy WHAT    what tells a client's address: proxy, proxy-required or forwarded\n"   \
  "                        (nothing)\n"                                                           \
  "  --rate-messages N     messages that one connection may send in a second, 0 = no bound (0)\n" \
  "  --rate-bytes N        bytes that one connection may send in a second, 0 = no bound (0)\n"    \
  "  --rate-policy WHAT    what happens past that: drop, queue or reject (drop)\n"                \
  "  --heartbeat MS        time between two heartbeats, 0 = none (0)\n"                           \
  "  --tls-cert FILE       certificate, PEM: the server speaks https and wss; read again when "   \
  "it\n"                                                                                          \
  "                        changes, and at SIGHUP\n"                                              \
  "  --tls-key FILE        its private key\n"                                                     \
  "  --metrics             counters for Prometheus at /metrics\n"                                 \
  "  --daemon              go on in the background once it listens\n"                             \
  "  --pid-file FILE       the process id, locked while it lives: a second one does not start\n"  \
  "  --syslog              log to syslog in place of stderr\n"                                    \
  "  --log-level LEVEL     error, warning, notice, info or debug (notice)\n"                      \
  "  --quiet               print the address and nothing else\n"                                  \
  "  --version             print version, engine and what it was built with\n"                    \
  "  --help                print this\n"

#endif
