/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An HTTP/1 request with all that its fields say about it, and the protocols that travel in it. */
#ifndef LENSCAP_PROBE_HTTP_H
#define LENSCAP_PROBE_HTTP_H

#include "head.h"

struct http_request {
	struct head head;
	enum { HTTP_NO_BODY, HTTP_SIZED, HTTP_CHUNKED } framing;
	size_t body_len;    /* HTTP_SIZED; SIZE_MAX for what is longer than any memory */
	struct cursor rest; /* what came behind the head */
	char host[APP_NAME]; /* empty: none, or an address */
};

extern const char *const http_versions[];

/* ONVIF: SOAP that names an ONVIF namespace, in a field or in its envelope. MORE: the envelope is still to come. */
enum probe_result onvif_request(const struct http_request *r);

#endif
