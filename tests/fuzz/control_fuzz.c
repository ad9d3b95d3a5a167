/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: hostile bytes on both control sockets of a real engine. The first byte says on which; each byte 0 in the rest is a moment in
 * which the engine's loop turns and the client reads, or does not.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bundle.h"
#include "control.h"
#include "engine.h"
#include "log.h"

static const char text[] = "version: 1\nmode: monitor\nzones:\n  cameras: {interfaces: [cam0], networks: [\"10.20.0.0/16\"]}\n"
			   "default: {action: block, alert: low}\noutputs:\n  - eve: {path: /dev/null, types: [alert]}\ngeo: {country: [/nonexistent.mmdb], asn: [/nonexistent.mmdb]}\n";

static struct engine *engine;
static struct event_base *base;
static int gate[2], listener[2];
static struct sockaddr_un address[2];
static socklen_t address_len[2];

/* An abstract name of our own: no file is left behind. */
static int
listen_somewhere(int i)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address[i].sun_family = AF_UNIX;
	address_len[i] = sizeof address[i];
	if (fd < 0 || bind(fd, (struct sockaddr *)&address[i], sizeof(sa_family_t)) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address[i], &address_len[i]) < 0)
		abort();
	return fd;
}

static void
some_records(void)
{
	for (int i = 0; i < 20; i++)
		report_event(engine, SID_HOOK_REMOVED, ALERT_HIGH, "a record to be streamed");
}

static void
start(void)
{
	struct channel_start s = {.boot = 1, .generation = 1};
	struct bundle *b = bundle_from_text("fuzz.yaml", text, sizeof text - 1);

	log_init("fuzz", false);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, gate) < 0)
		abort();
	engine = engine_new("/nonexistent", "/nonexistent", gate[0], false);
	base = event_base_new();
	if (!engine || !base || !b || engine_start(engine, &s, b, -1) < 0)
		abort();
	bundle_free(b);
	event_base_priority_init(base, 2);
	for (int i = 0; i < 2; i++)
		listener[i] = listen_somewhere(i);
	engine->control = control_new(engine, base, listener[0], listener[1]);
	if (!engine->control)
		abort();
	some_records();
}

/* What the commands asked the gate for is read and forgotten. */
static void
turn(int client)
{
	char buf[65536];

	for (int i = 0; i < 4; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	control_news(engine->control);
	while (recv(gate[1], buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
	if (client >= 0)
		(void)!recv(client, buf, sizeof buf, MSG_DONTWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!engine)
		start();
	if (len == 0)
		return 0;
	int which = data[0] & 1, client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 || connect(client, (struct sockaddr *)&address[which], address_len[which]) < 0)
		abort();
	bool reads = data[0] & 2;
	for (data++, len--; len > 0;) {
		const uint8_t *end = memchr(data, 0, len);
		size_t n = end ? (size_t)(end - data) : len;
		(void)!send(client, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		turn(reads ? client : -1);
		n += end != NULL;
		data += n;
		len -= n;
	}
	turn(client);
	close(client);
	turn(-1);
	return 0;
}
