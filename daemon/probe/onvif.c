/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ONVIF: SOAP 1.2 in an HTTP POST, with one of ONVIF's namespaces. The namespace stands in the action (of Content-Type or
 * SOAPAction) or on the envelope's first elements.
 */
#include <netinet/in.h>

#include "http.h"
#include "probes.h"
#include "text.h"

enum { ENVELOPE_READ = 4096 }; /* namespaces are declared at the beginning; a longer wait would only hold the sender */

static const char namespace[] = "http://www.onvif.org/ver";

static bool
field_says(const struct head *h, const char *name)
{
	struct span v;
	return head_get(h, name, &v) && span_find(v, namespace) >= 0;
}

static bool
is_soap(const struct head *h)
{
	struct span v;
	return span_equals(h->method, "POST") && head_get(h, "Content-Type", &v) &&
	       (span_starts_nocase(v, "application/soap+xml") || span_starts_nocase(v, "text/xml") ||
		span_starts_nocase(v, "application/xml"));
}

enum probe_result
onvif_request(const struct http_request *r)
{
	struct span v, body;
	struct cursor c = r->rest;

	if (!is_soap(&r->head))
		return PROBE_NO;
	if (field_says(&r->head, "Content-Type") || field_says(&r->head, "SOAPAction"))
		return PROBE_DONE;
	size_t expected = r->framing == HTTP_SIZED && r->body_len < ENVELOPE_READ ? r->body_len : ENVELOPE_READ;
	size_t have = cursor_left(&c) < expected ? cursor_left(&c) : expected;
	body = cursor_bytes(&c, have);
	if (span_find(body, namespace) >= 0)
		return PROBE_DONE;
	/* The end of the envelope, or a sender that waits for leave to send it: no more will come. */
	if (have == expected || r->framing == HTTP_NO_BODY || span_find(body, "Envelope>\r\n0\r\n") >= 0 ||
	    (head_get(&r->head, "Expect", &v) && have == 0))
		return PROBE_NO;
	return PROBE_MORE;
}

const struct probe probe_onvif = {
	"onvif", IPPROTO_TCP, PROVES_CLIENT, probe_alias, "HTTP POST of SOAP in an ONVIF namespace: path is the service",
};
