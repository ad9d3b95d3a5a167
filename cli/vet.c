/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap vet: asks one device, or everybody behind one interface, what it is. The files are read first; then all privileges go, and only
 * then is a socket opened. Whatever lies outside the policy's camera zones is not asked.
 */
#include <arpa/inet.h>
#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle.h"
#include "catalogue.h"
#include "cli.h"
#include "diag.h"
#include "policy.h"
#include "policy_file.h"
#include "vet.h"

enum { TIMEOUT_S = 2, TIMEOUT_MAX_S = 60 };

struct wish {
	const char *path, *who;
	bool force, json;
	int timeout_s;
};

/* With --force and no policy that can be read the catalogue is still there. */
static struct policy *
catalogue_alone(void)
{
	static const char text[] = "version: 1\nmode: monitor\nfail: open\nzones: {cameras: {interfaces: [none]}}\ndefault: {action: allow, alert: none}\n";
	struct diags diags = {0};
	char *file = NULL;
	struct bundle *b = bundle_from_text("catalogue alone", text, sizeof text - 1);
	bool ok = b && bundle_add_catalogue(b, &file);
	struct policy *p = ok ? policy_load(b, &diags) : NULL;

	if (!ok)
		fprintf(stderr, "lenscap: %s: %s\n", file ? file : "the catalogue", strerror(errno));
	free(file);
	if (!p)
		diags_print(&diags, stderr, false);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static bool
in_camera_zone(const struct policy *p, const char *link)
{
	size_t n;
	(void)policy_zones(p, &n);
	return policy_zone_by_interface(p, link) < n;
}

/* IPv4 address and broadcast address of the link; zero when it has none. */
static void
link_addresses(struct vet_run *r, const char *link)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || strcmp(a->ifa_name, link) != 0)
			continue;
		struct in_addr own = ((const struct sockaddr_in *)a->ifa_addr)->sin_addr, mask = {htonl(UINT32_MAX)};
		if (a->ifa_netmask)
			mask = ((const struct sockaddr_in *)a->ifa_netmask)->sin_addr;
		struct in_addr broadcast = {own.s_addr | ~mask.s_addr}; /* not ifa_broadaddr: few set it, the routes have it all the same */
		addr_from_v4(&r->own, (const uint8_t *)&own);
		if (broadcast.s_addr != own.s_addr)
			addr_from_v4(&r->broadcast, (const uint8_t *)&broadcast);
		break;
	}
	freeifaddrs(all);
}

/* The link whose own address the routes choose for this target: where a device's multicast answer comes in. */
static void
link_towards(struct vet_run *r)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)}, from = {0};
	socklen_t len = sizeof from;
	struct ifaddrs *all = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !addr_is_v4(&r->target))
		goto close_socket;
	memcpy(&to.sin_addr, r->target.b + 12, 4);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || getsockname(fd, (struct sockaddr *)&from, &len) < 0 || getifaddrs(&all) < 0)
		goto close_socket;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		    ((const struct sockaddr_in *)a->ifa_addr)->sin_addr.s_addr == from.sin_addr.s_addr)
			r->link = if_nametoindex(a->ifa_name);
	addr_from_v4(&r->own, (const uint8_t *)&from.sin_addr);
	freeifaddrs(all);
close_socket:
	if (fd >= 0)
		close(fd);
}

/* EXIT_OK: r->target or r->link is set, and may be asked. */
static int
choose(struct vet_run *r, const struct wish *w)
{
	if (addr_parse(w->who, &r->target)) {
		if (!vet_allowed(r, &r->target)) {
			fprintf(stderr, "lenscap: %s lies in no camera zone of %s; --force asks it all the same\n", w->who, w->path);
			return EXIT_REFUSED;
		}
		link_towards(r);
		return EXIT_OK;
	}
	r->segment = true;
	r->link = if_nametoindex(w->who);
	if (r->link == 0) {
		fprintf(stderr, "lenscap: %s is neither an address nor an interface\n", w->who);
		return EXIT_USAGE;
	}
	if (!r->force && !in_camera_zone(r->policy, w->who)) {
		fprintf(stderr, "lenscap: %s is in no camera zone of %s; --force asks there all the same\n", w->who, w->path);
		return EXIT_REFUSED;
	}
	link_addresses(r, w->who);
	return EXIT_OK;
}

/*
 * Nothing below needs any privilege. A user namespace that knows no other user than its root leaves only the capabilities to give up.
 * False: told on stderr.
 */
static bool
give_up_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		goto fail;
	if (geteuid() != 0)
		return true;
	const struct passwd *pw = getpwnam("nobody");
	capng_clear(CAPNG_SELECT_BOTH);
	if (!pw || capng_change_id((int)pw->pw_uid, (int)pw->pw_gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0) {
		capng_clear(CAPNG_SELECT_BOTH);
		if (capng_apply(CAPNG_SELECT_BOTH) != 0)
			goto fail;
	}
	capng_get_caps_process();
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return true;
fail:
	fprintf(stderr, "lenscap: cannot give up privileges: %s\n", strerror(errno));
	return false;
}

static int
vet(const struct wish *w, bool colour)
{
	struct vet_run r = {.timeout_ms = w->timeout_s * 1000, .force = w->force};
	struct policy *p = policy_from_file(w->path, colour, NULL);
	int code = EXIT_REFUSED;

	if (!p && !w->force) {
		fprintf(stderr, "lenscap: without a policy nobody knows where the cameras are; name one with -c, or use --force\n");
		return EXIT_REFUSED;
	}
	if (!p && !(p = catalogue_alone()))
		return EXIT_NEGATIVE;
	r.policy = p;
	r.catalogue = policy_catalogue(p);
	r.devices = calloc(VET_DEVICES, sizeof *r.devices);
	if (!r.devices || !probe_start() || !give_up_privileges())
		goto free_policy;
	code = choose(&r, w);
	if (code != EXIT_OK)
		goto free_policy;
	code = vet_ask_all(&r) && r.n_devices ? EXIT_OK : EXIT_NEGATIVE;
	if (w->json) {
		if (!vet_print_json(&r, stdout))
			code = EXIT_NEGATIVE;
	} else {
		vet_print(&r, stdout);
	}
free_policy:
	for (size_t i = 0; i < r.n_devices; i++)
		vet_forget(&r.devices[i]);
	free(r.devices);
	policy_free(p);
	return code;
}

static bool
read_timeout(const char *text, int *ret)
{
	char *end;
	errno = 0;
	long v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < 1 || v > TIMEOUT_MAX_S)
		return false;
	*ret = (int)v;
	return true;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"zone-policy", required_argument, NULL, 'c'},
						{"force", no_argument, NULL, 'f'},
						{"timeout", required_argument, NULL, 't'},
						{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	struct wish w = {.path = LENSCAP_SYSCONFDIR "/lenscap/lenscap.yaml", .timeout_s = TIMEOUT_S};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt == '?' || (opt == 't' && !read_timeout(optarg, &w.timeout_s)))
			return cli_usage(&command_vet);
		if (opt == 'c')
			w.path = optarg;
		w.force |= opt == 'f';
		w.json |= opt == 'j';
	}
	if (argc - optind != 1)
		return cli_usage(&command_vet);
	w.who = argv[optind];
	return vet(&w, cli->colour);
}

const struct command command_vet = {"vet", "ADDRESS|INTERFACE [-c FILE] [--force] [--timeout S] [--json]",
				    "ask a device, or a segment, who made it", run};
