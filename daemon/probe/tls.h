/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS inside other protocols. */
#ifndef LENSCAP_PROBE_TLS_H
#define LENSCAP_PROBE_TLS_H

#include "probe.h"

/* What a client sends from its first byte of TLS on; the answers are a row's. `in` gives the port. */
enum probe_result tls_stream(const struct probe_input *in, struct cursor c, struct app *app);

#endif
