/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine that has been taken over, for gate_test.py. The word in STATE_DIR/mode says what it does, once;
 * without one it becomes the real engine, which LENSCAP_REAL_ENGINE names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

enum { CHANNEL = 3 };

static void
say(const void *message, size_t len, const int *fds, size_t n_fds)
{
	if (channel_send(CHANNEL, message, len, fds, n_fds) < 0 && errno != EAGAIN)
		_exit(1);
}

static void
say_head(uint16_t type, uint16_t count, uint32_t arg)
{
	struct channel_head h = {type, count, arg};
	say(&h, sizeof h, NULL, 0);
}

/* Every type there is and is not, every length, counts that do not fit. */
static void
nonsense(unsigned i)
{
	static char big[CHANNEL_MAX];
	struct channel_head h = {.type = (uint16_t)(i * 7), .count = (uint16_t)(i * 4099), .arg = i};
	memcpy(big, &h, sizeof h);
	say(big, i % 9 == 0 ? 3 : sizeof h + i * 13 % (sizeof big - sizeof h), NULL, 0);
}

/* Verdicts for other people's queues, and decisions that do not exist. */
static void
wrong_verdicts(unsigned i)
{
	struct {
		struct channel_head h;
		struct channel_verdict v[64];
	} m = {.h = {CH_VERDICTS, 64, 1}};
	for (unsigned k = 0; k < 64; k++)
		m.v[k] = (struct channel_verdict){
			.id = i * 64 + k, .queue = (uint16_t)(i % 2 ? 7 : 2050), .decision = 200};
	say(&m, sizeof m, NULL, 0);
}

/*
 * Well-formed verdicts for ids that never were, under a generation that is not in force: the kernel refuses
 * them.
 */
static void
future_verdicts(unsigned i)
{
	struct {
		struct channel_head h;
		struct channel_verdict v[CHANNEL_VERDICTS];
	} m = {.h = {CH_VERDICTS, CHANNEL_VERDICTS, 200}};
	for (unsigned k = 0; k < CHANNEL_VERDICTS; k++)
		m.v[k] = (struct channel_verdict){.id = 0x40000000 + i * CHANNEL_VERDICTS + k,
						  .queue = 2050,
						  .decision = 1,
						  .mark = ~0u};
	say(&m, sizeof m, NULL, 0);
	usleep(1000);
}

static void
reload_flood(unsigned i)
{
	struct channel_request q = {.head = {CH_RELOAD, 0, i + 1}};
	say(&q, sizeof q, NULL, 0);
}

/* Requests that nobody can have made: tickets, times and modes that are none. */
static void
wrong_requests(unsigned i)
{
	static const uint16_t types[] = {CH_RELOAD, CH_CONFIRM, CH_UNDO, CH_MODE};
	struct channel_request q = {.head = {types[i % 4], (uint16_t)(i % 3), i % 5}, .seconds = ~0u, .mode = 3 + i};
	say(&q, sizeof q, NULL, 0);
}

static void
rejudge_flood(unsigned i)
{
	(void)i;
	say_head(CH_REJUDGE, 0, 0);
}

static void
gives_descriptors(unsigned i)
{
	int fds[CHANNEL_FDS];
	struct channel_head h = {CH_REJUDGE, 0, 0};
	(void)i;
	for (size_t k = 0; k < CHANNEL_FDS; k++)
		fds[k] = STDERR_FILENO;
	say(&h, sizeof h, fds, CHANNEL_FDS);
}

static void
lies_in_pongs(unsigned i)
{
	struct channel_pong p = {.head = {CH_PONG, 0, i / 4}, .stale_ids = ~0ull};
	say(&p, sizeof p, NULL, 0);
}

/* Kinds that no packet can be of, at a pace at which nobody is answered. */
static void
wrong_kinds(unsigned i)
{
	struct {
		struct channel_head h;
		struct channel_kind row[2];
	} m = {.h = {CH_KINDS, 2, 1}};
	for (unsigned k = 0; k < 2; k++)
		m.row[k] = (struct channel_kind){.ifindex = 1, .ms = ~0u, .port = (uint16_t)(i % 3 ? 443 : 53), .mac = {{2}}, .proto = 6, .ask = (uint8_t)(i % 5)};
	say(&m, sizeof m, NULL, 0);
}

static const struct {
	const char *word;
	void (*act)(unsigned i);
} modes[] = {
	{"nonsense", nonsense},	   {"verdicts", wrong_verdicts}, {"future", future_verdicts},
	{"reloads", reload_flood}, {"requests", wrong_requests}, {"rejudge", rejudge_flood},	 {"descriptors", gives_descriptors},
	{"pongs", lies_in_pongs},  {"kinds", wrong_kinds},
};

static void
misbehave(const char *word)
{
	static _Alignas(8) char buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS];
	size_t n;

	if (strcmp(word, "exit") == 0)
		_exit(1);
	if (channel_recv(CHANNEL, buf, fds, &n) <= 0)
		_exit(1);
	fcntl(CHANNEL, F_SETFL, O_NONBLOCK);
	say_head(CH_READY, 0, 0);
	for (size_t k = 0; k < sizeof modes / sizeof *modes; k++)
		for (unsigned i = 0; strcmp(word, modes[k].word) == 0; i++)
			modes[k].act(i);
	fprintf(stderr, "no mode %s\n", word);
	_exit(1);
}

int
main(int argc, char **argv)
{
	const char *real = getenv("LENSCAP_REAL_ENGINE");
	char path[512], word[32] = "";

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--state-dir") != 0)
			continue;
		snprintf(path, sizeof path, "%s/mode", argv[i + 1]);
		int fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, word, sizeof word - 1) > 0 && unlink(path) == 0)
			misbehave(word);
	}
	int fd = real ? open(real, O_PATH | O_CLOEXEC) : -1;
	if (fd >= 0)
		execveat(fd, "", argv, environ, AT_EMPTY_PATH); /* the sandbox of the gate knows no other way */
	perror("LENSCAP_REAL_ENGINE");
	return 1;
}
