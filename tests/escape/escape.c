/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine that has been taken over and wants out, for tests/netns/test_sandbox.py. It stands where the engine stands, with the engine's
 * descriptors, user and sandbox (engine_confine() and sandbox_calls() as the engine calls them), and tries everything that an intruder would.
 * Each attempt runs in a process of its own, because some end by SIGSYS: one line each, "NAME: refused (…)", "NAME: SUCCEEDED", or
 * "NAME: left out" where this kernel's Landlock is too old, then "N tried, M succeeded".
 *
 * STATE_DIR/mode says what to do, once: "escape"; "die" makes one deadly call. Without it this becomes the real engine, which
 * LENSCAP_REAL_ENGINE names.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "channel.h"
#include "confine.h"
#include "diag.h"
#include "engine.h"
#include "log.h"
#include "plan.h"

enum {
	CHANNEL = 3,
	DESCRIPTORS = 1024,
	SUCCEEDED = 42,
	REFUSED = 43,
	NOT_HERE = 44, /* this kernel has nothing to refuse it by */
	PATIENCE_S = 5,
};

/* Everything that an attempt may use: what the engine has, and what was opened before, outside. */
static struct {
	pid_t gate;
	int queue, tcp, datagram;
	const char *state, *policy, *log, *run;
	struct sockaddr_un stranger;
	socklen_t stranger_len;
	struct policy *loaded;
	bool sandbox;
	int landlock;
} here;

static char *
join(const char *a, const char *b)
{
	static char path[2][4096];
	static unsigned turn;
	char *out = path[turn++ % 2];

	snprintf(out, sizeof path[0], "%s%s", a, b);
	return out;
}

static const char *
of_gate(const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/", (int)here.gate);
	return join(path, name);
}

static bool
opens(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC, 0600) >= 0;
}

/* ---- files ---- */

static bool read_passwd(void) { return opens("/etc/passwd", O_RDONLY); }
static bool read_shadow(void) { return opens("/etc/shadow", O_RDONLY); }
static bool read_policy(void) { return opens(here.policy, O_RDONLY); }
static bool write_policy(void) { return opens(here.policy, O_WRONLY); }
static bool list_root(void) { return opens("/", O_RDONLY | O_DIRECTORY); }
static bool create_tmp(void) { return opens("/tmp", O_WRONLY | O_TMPFILE); }
static bool create_run(void) { return opens(join(here.run, "/escape"), O_WRONLY | O_CREAT); }
static bool write_plan(void) { return opens(join(here.state, "/../plan"), O_WRONLY); }
static bool read_plan(void) { return opens(join(here.state, "/../plan"), O_RDONLY); }
static bool write_history(void) { return opens(join(here.state, "/../history/state.db"), O_RDWR); }
static bool create_state(void) { return opens(join(here.state, "/../escape"), O_WRONLY | O_CREAT); }
static bool cut_log(void) { return opens(here.log, O_WRONLY | O_TRUNC); }
static bool remove_log(void) { return unlink(here.log) == 0; }
static bool link_log(void) { return symlink("/etc/passwd", join(here.log, ".link")) == 0; }
static bool hard_link(void) { return link(here.log, join(here.log, ".hard")) == 0; }
static bool make_directory(void) { return mkdir(join(here.state, "/escape"), 0700) == 0; }
static bool make_fifo(void) { return mkfifo(join(here.state, "/escape-fifo"), 0600) == 0; }
static bool own_memory_file(void) { return opens("/proc/self/mem", O_RDWR); }
static bool gate_memory_file(void) { return opens(of_gate("mem"), O_RDWR); }
static bool gate_environment(void) { return opens(of_gate("environ"), O_RDONLY); }
static bool gate_descriptors(void) { return opens(of_gate("fd"), O_RDONLY | O_DIRECTORY); }
static bool gate_commands(void) { return opens(of_gate("cmdline"), O_RDONLY); }
static bool open_tty(void) { return opens("/dev/ptmx", O_RDWR | O_NOCTTY); }
static bool open_program(void) { return opens("/proc/self/exe", O_RDONLY); }
static bool change_owner(void) { return chown(here.log, 0, 0) == 0 || lchown(here.state, 0, 0) == 0; }
static bool by_handle(void) { return syscall(SYS_open_by_handle_at, AT_FDCWD, here.policy, 0) >= 0 || errno == EFAULT; }
static bool change_directory(void) { return chdir("/etc") == 0; }

static bool
rename_over_policy(void)
{
	const char *own = join(here.state, "/policy");
	int fd = open(own, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && rename(own, here.policy) == 0;
}

static bool
rename_over_quarantine(void)
{
	const char *own = join(here.state, "/quarantine");
	int fd = open(own, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && rename(own, join(here.state, "/../escape-quarantine")) == 0;
}

static bool
push_keys(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x") == 0 || ioctl(STDERR_FILENO, TIOCSTI, "x") == 0;
}

/* ---- networks ---- */

static bool
any_socket(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};

	for (int family = 0; family < 46; family++)
		for (size_t i = 0; i < sizeof types / sizeof *types; i++)
			if (socket(family, types[i], 0) >= 0)
				return true;
	return false;
}

static bool tcp_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool udp_socket(void) { return socket(AF_INET6, SOCK_DGRAM, 0) >= 0; }
static bool unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
static bool netlink_socket(void) { return socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) >= 0; }
static bool socket_pair(void) { int s[2]; return socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0; }

static bool
connects(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return connect(here.tcp, (struct sockaddr *)&a, sizeof a) == 0 || errno == ECONNREFUSED;
}

static bool tcp_connect(void) { return connects(9); }

static bool
tcp_bind(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	return bind(here.tcp, (struct sockaddr *)&a, sizeof a) == 0 && listen(here.tcp, 1) == 0;
}

static bool
abstract_connect(void)
{
	return connect(here.datagram, (struct sockaddr *)&here.stranger, here.stranger_len) == 0;
}

static bool
abstract_send(void)
{
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_name = &here.stranger, .msg_namelen = here.stranger_len, .msg_iov = &v, .msg_iovlen = 1};
	return sendmsg(here.datagram, &m, MSG_DONTWAIT) == 1;
}

/* ---- the kernel, over the socket that brings the packets ---- */

struct request {
	struct nlmsghdr h;
	struct nfgenmsg g;
	struct nlattr a;
	uint8_t data[16];
};

/* What the kernel answers: 0 success, else an errno. */
static bool
kernel_does(uint16_t type, uint16_t attribute, const void *data, uint16_t len, uint16_t flags)
{
	static uint8_t answer[8192];
	struct request r = {.h = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags), .nlmsg_seq = 77},
			    .g = {.nfgen_family = AF_INET, .res_id = htons(2050)},
			    .a = {.nla_type = attribute, .nla_len = (uint16_t)(sizeof r.a + len)}};

	memcpy(r.data, data, len);
	r.h.nlmsg_len = (uint32_t)(offsetof(struct request, data) + len);
	if (send(here.queue, &r, r.h.nlmsg_len, 0) < 0)
		return false;
	struct pollfd p = {.fd = here.queue, .events = POLLIN};
	while (poll(&p, 1, 1000) > 0) {
		ssize_t n = recv(here.queue, answer, sizeof answer, MSG_DONTWAIT);
		const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
		if (n < (ssize_t)(sizeof *h + sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq != 77)
			continue;
		errno = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		return errno == 0;
	}
	errno = ETIMEDOUT;
	return false;
}

static bool
verdict(void)
{
	const struct nfqnl_msg_verdict_hdr v = {htonl(1), htonl(1)};
	return kernel_does(NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT, NFQA_VERDICT_HDR, &v, sizeof v, 0);
}

static bool
unbind_queue(void)
{
	const struct nfqnl_msg_config_cmd c = {.command = NFQNL_CFG_CMD_UNBIND, .pf = htons(AF_INET)};
	return kernel_does(NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, NFQA_CFG_CMD, &c, sizeof c, 0);
}

static bool list_tables(void) { return kernel_does(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NFTA_TABLE_NAME, "lenscap", 8, 0); }
static bool flush_conntrack(void) { return kernel_does(NFNL_SUBSYS_CTNETLINK << 8 | 2, 3, "\0\0\0\0", 4, 0); }

static bool
join_group(void)
{
	int group = NFNLGRP_NFTABLES;
	return setsockopt(here.queue, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
}

/* ---- processes ---- */

static bool
thread_of_another(uint64_t flags)
{
	long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool new_process(void) { return thread_of_another(SIGCHLD); }
static bool new_namespace(void) { return thread_of_another(SIGCHLD | CLONE_NEWUSER); }

static bool
library_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
old_fork(void)
{
#ifdef SYS_fork
	long pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	return pid > 0;
#else
	errno = ENOSYS;
	return false;
#endif
}

/* Whoever gets through ends with the code that says so. */
static char *const shell[] = {"sh", "-c", "exit 42", NULL};

static bool exec_shell(void) { return execv("/bin/sh", shell) == 0; }

static bool
exec_memory(void)
{
	static const char script[] = "#!/bin/sh\nexit 42\n";
	int fd = memfd_create("escape", 0);
	return fd >= 0 && write(fd, script, sizeof script - 1) > 0 && execveat(fd, "", shell, environ, AT_EMPTY_PATH) == 0;
}

static bool trace_gate(void) { return ptrace(PTRACE_SEIZE, here.gate, NULL, NULL) == 0; }
static bool trace_me(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0; }
static bool signal_gate(void) { return kill(here.gate, 0) == 0; }
static bool signal_all(void) { return kill(-1, 0) == 0; }
static bool signal_thread(void) { return syscall(SYS_tgkill, here.gate, here.gate, 0) == 0; }
static bool gate_descriptor(void) { return syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, here.gate, 0), 0, 0) >= 0; }
static bool slow_gate(void) { return setpriority(PRIO_PROCESS, (id_t)here.gate, 19) == 0; }
static bool leave_group(void) { return setsid() >= 0 || setpgid(0, 0) == 0; }

static bool
signal_by_descriptor(void)
{
	int fd = (int)syscall(SYS_pidfd_open, here.gate, 0);
	return fd >= 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;
}

static bool
signal_by_file(void)
{
	int fd = open(of_gate(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;
}

static bool
signal_by_owner(void)
{
	/* The kernel then sends it for us. */
	return fcntl(here.queue, F_SETOWN, here.gate) == 0 && fcntl(here.queue, F_SETSIG, SIGKILL) == 0;
}

static bool
gate_memory(bool to)
{
	char byte = 0;
	struct iovec ours = {&byte, 1}, theirs = {(void *)(uintptr_t)0x400000, 1};
	return (to ? process_vm_writev(here.gate, &ours, 1, &theirs, 1, 0) : process_vm_readv(here.gate, &ours, 1, &theirs, 1, 0)) == 1;
}

static bool read_gate(void) { return gate_memory(false); }
static bool write_gate(void) { return gate_memory(true); }

static bool
limit_gate(void)
{
	struct rlimit r;
	return prlimit(here.gate, RLIMIT_NOFILE, NULL, &r) == 0 && prlimit(here.gate, RLIMIT_NOFILE, &r, NULL) == 0;
}

/* ---- power ---- */

static bool become_root(void) { return setuid(0) == 0 && geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SETUID) == 1; }
static bool own_namespace(void) { return unshare(CLONE_NEWUSER) == 0; }
static bool own_network(void) { return unshare(CLONE_NEWNET) == 0; }
static bool other_network(void) { return setns(here.queue, 0) == 0 || syscall(SYS_setns, open("/proc/1/ns/net", O_RDONLY), 0) == 0; }
static bool mount_tmp(void) { return mount("none", "/tmp", "tmpfs", 0, NULL) == 0; }
static bool pivot(void) { return syscall(SYS_pivot_root, "/", "/") == 0; }
static bool change_root(void) { return chroot(here.state) == 0; }
static bool session_keys(void) { return syscall(SYS_keyctl, 0, -3, 1) >= 0; }
static bool add_key(void) { return syscall(SYS_add_key, "user", "escape", "x", 1, -3) >= 0; }
static bool load_bpf(void) { return syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno == EFAULT || errno == EINVAL || errno == E2BIG; }
static bool performance(void) { uint32_t a[32] = {1, sizeof a}; return syscall(SYS_perf_event_open, a, 0, -1, -1, 0) >= 0; }
static bool page_faults(void) { return syscall(SYS_userfaultfd, 1) >= 0; }
static bool ring(void) { uint32_t p[64] = {0}; return syscall(SYS_io_uring_setup, 1, p) >= 0; }
static bool module(void) { return syscall(SYS_init_module, "", 0, "") == 0; }
static bool kernel_image(void) { return syscall(SYS_kexec_load, 0, 0, NULL, 0) == 0; }
static bool set_clock(void) { return clock_settime(CLOCK_REALTIME, &(struct timespec){0}) == 0; }
static bool let_trace(void) { return prctl(PR_SET_DUMPABLE, 1) == 0; }
static bool keep_alive(void) { return prctl(PR_SET_PDEATHSIG, 0) == 0; }
static bool another_filter(void) { return prctl(PR_SET_SECCOMP, 2, NULL) == 0 || errno == EFAULT; }
static bool executable_reads(void) { return personality(READ_IMPLIES_EXEC) >= 0; }

static bool
capability(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{.effective = 1u << CAP_NET_ADMIN, .permitted = 1u << CAP_NET_ADMIN}};
	return syscall(SYS_capset, &h, d) == 0;
}

static bool
raise_limit(void)
{
	struct rlimit r;
	return getrlimit(RLIMIT_NOFILE, &r) == 0 && setrlimit(RLIMIT_NOFILE, &(struct rlimit){r.rlim_max, r.rlim_max + 1}) == 0;
}

static bool
core_again(void)
{
	return setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1}) == 0;
}

/* ---- memory that runs ---- */

static bool
maps(int protection, int fd)
{
	return mmap(NULL, 4096, protection, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

static bool map_code(void) { return maps(PROT_READ | PROT_WRITE | PROT_EXEC, -1); }

static bool
make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
make_code_by_key(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p != MAP_FAILED && syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_EXEC, -1) == 0;
}

static bool
map_file_code(void)
{
	int fd = memfd_create("escape", 0);
	return fd >= 0 && ftruncate(fd, 4096) == 0 && maps(PROT_READ | PROT_EXEC, fd);
}

static bool
shared_code(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	bool ok = id >= 0 && shmat(id, NULL, SHM_EXEC) != (void *)-1;
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return ok;
}

#define TRY(f)	    {#f, f, 0}
#define NEEDS(n, f) {#f, f, n}
static const struct {
	const char *name;
	bool (*succeeds)(void);
	int landlock; /* the version from which on nothing but Landlock refuses it */
} attempts[] = {
	TRY(read_passwd), TRY(read_shadow), TRY(read_policy), TRY(write_policy), TRY(list_root), TRY(create_tmp), TRY(create_run),
	TRY(write_plan), TRY(read_plan), TRY(write_history), TRY(create_state), NEEDS(3, cut_log), TRY(link_log), TRY(hard_link),
	TRY(make_directory), TRY(make_fifo), TRY(own_memory_file), TRY(gate_memory_file), TRY(gate_environment), TRY(gate_descriptors),
	TRY(gate_commands), TRY(open_tty), TRY(open_program), TRY(change_owner), TRY(by_handle), TRY(change_directory), TRY(rename_over_policy),
	TRY(rename_over_quarantine), TRY(push_keys), TRY(any_socket), TRY(tcp_socket), TRY(udp_socket), TRY(unix_socket), TRY(netlink_socket),
	TRY(socket_pair), TRY(tcp_connect), TRY(tcp_bind), TRY(abstract_connect), NEEDS(6, abstract_send), TRY(verdict), TRY(unbind_queue),
	TRY(list_tables), TRY(flush_conntrack), TRY(join_group), TRY(new_process), TRY(new_namespace), TRY(library_fork), TRY(old_fork),
	TRY(exec_shell), TRY(exec_memory), TRY(trace_gate), TRY(trace_me), TRY(signal_gate), TRY(signal_all), TRY(signal_thread),
	TRY(gate_descriptor), TRY(slow_gate), TRY(leave_group), TRY(signal_by_descriptor), TRY(signal_by_file), TRY(signal_by_owner),
	TRY(read_gate), TRY(write_gate), TRY(limit_gate), TRY(become_root), TRY(own_namespace), TRY(own_network), TRY(other_network),
	TRY(mount_tmp), TRY(pivot), TRY(change_root), TRY(session_keys), TRY(add_key), TRY(load_bpf), TRY(performance), TRY(page_faults),
	TRY(ring), TRY(module), TRY(kernel_image), TRY(set_clock), TRY(let_trace), TRY(keep_alive), TRY(another_filter), TRY(executable_reads),
	TRY(capability), TRY(raise_limit), TRY(core_again), TRY(map_code), TRY(make_code), TRY(make_code_by_key), TRY(map_file_code),
	TRY(shared_code), TRY(remove_log),
};
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

/* As engine_main() does it. */
static void
confine(void)
{
	struct engine *e = engine_new(here.run, here.state, CHANNEL, false);

	if (!e)
		_exit(1);
	e->sandbox.on = here.sandbox;
	if (sandbox_drop(true, DESCRIPTORS) < 0 || !engine_confine(e, here.loaded) || (here.sandbox && sandbox_calls(SANDBOX_ENGINE) < 0))
		_exit(1);
	here.landlock = e->sandbox.landlock;
}

static void
attempt(size_t i)
{
	char line[160];

	alarm(PATIENCE_S);
	confine();
	if (here.sandbox && here.landlock < attempts[i].landlock)
		_exit(NOT_HERE);
	errno = 0;
	if (attempts[i].succeeds())
		_exit(SUCCEEDED);
	int n = snprintf(line, sizeof line, "escape: %s: refused (%s)\n", attempts[i].name, strerror(errno));
	_exit(write(STDERR_FILENO, line, (size_t)n) == n ? REFUSED : 1);
}

/* What ends otherwise than an attempt may is no answer, and so counts as a success. */
static int
run_attempt(size_t i)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		attempt(i);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return SUCCEEDED;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		fprintf(stderr, "escape: %s: refused (killed by SIGSYS)\n", attempts[i].name);
		return REFUSED;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
		fprintf(stderr, "escape: %s: left out (Landlock %d)\n", attempts[i].name, attempts[i].landlock);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == REFUSED || WEXITSTATUS(status) == NOT_HERE))
		return WEXITSTATUS(status);
	fprintf(stderr, "escape: %s: SUCCEEDED (status %x)\n", attempts[i].name, (unsigned)status);
	return SUCCEEDED;
}

/* False: the gate wants us to end. */
static bool
answer_gate(int timeout_ms)
{
	static _Alignas(8) char buf[CHANNEL_MAX];
	struct pollfd p = {.fd = CHANNEL, .events = POLLIN};
	int fds[CHANNEL_FDS];
	size_t n_fds;

	while (poll(&p, 1, timeout_ms) > 0) {
		if (channel_recv(CHANNEL, buf, fds, &n_fds) <= 0)
			return false;
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		const struct channel_head *h = (const struct channel_head *)buf;
		struct channel_pong pong = {.head = {.type = CH_PONG, .arg = h->arg}};
		if (h->type == CH_STOP || (h->type == CH_PING && channel_send(CHANNEL, &pong, sizeof pong, NULL, 0) < 0))
			return false;
		timeout_ms = 0;
	}
	return true;
}

/* Sockets and a stranger from before: the sandbox must hold even with them in hand. */
static void
prepare(void)
{
	int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);

	here.gate = getppid();
	here.tcp = socket(AF_INET, SOCK_STREAM, 0);
	here.datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	here.stranger = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(here.stranger.sun_path + 1, sizeof here.stranger.sun_path - 1, "lenscap-escape-%d", (int)getpid());
	here.stranger_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	if (stranger < 0 || here.tcp < 0 || here.datagram < 0 || bind(stranger, (struct sockaddr *)&here.stranger, here.stranger_len) < 0)
		fatal("sockets");
}

static void
receive_start(void)
{
	static _Alignas(8) char buf[CHANNEL_MAX];
	struct channel_head ready = {.type = CH_READY};
	struct diags diags = {0};
	int fds[CHANNEL_FDS];
	size_t n_fds;

	if (channel_recv(CHANNEL, buf, fds, &n_fds) <= 0 || n_fds < 2)
		fatalx("no start");
	struct bundle *b = bundle_load(fds[0]);
	here.queue = fds[1];
	here.loaded = b ? policy_load(b, &diags) : NULL;
	if (!here.loaded || channel_send(CHANNEL, &ready, sizeof ready, NULL, 0) < 0)
		fatalx("no policy");
}

static int
misbehave(const char *word)
{
	size_t tried = 0, succeeded = 0;

	log_init("escape", false);
	here.policy = getenv("LENSCAP_ESCAPE_POLICY");
	here.log = getenv("LENSCAP_ESCAPE_LOG");
	if (!here.policy || !here.log)
		fatalx("LENSCAP_ESCAPE_POLICY, LENSCAP_ESCAPE_LOG");
	prepare();
	receive_start();
	if (strncmp(word, "die", 3) == 0) {
		confine();
		(void)trace_gate();
		return 1;
	}
	for (size_t i = 0; i < ATTEMPTS && answer_gate(0); i++) {
		int how = run_attempt(i);
		tried += how != NOT_HERE;
		succeeded += how == SUCCEEDED;
	}
	fprintf(stderr, "escape: %zu tried, %zu succeeded\n", tried, succeeded);
	while (answer_gate(-1))
		;
	return 0;
}

int
main(int argc, char **argv)
{
	const char *real = getenv("LENSCAP_REAL_ENGINE");
	char word[32] = "";

	here.sandbox = sandbox_built();
	for (int i = 1; i < argc; i++) {
		here.sandbox &= strcmp(argv[i], "--no-sandbox") != 0;
		if (i + 1 < argc && strcmp(argv[i], "--state-dir") == 0)
			here.state = argv[i + 1];
		if (i + 1 < argc && strcmp(argv[i], "--run-dir") == 0)
			here.run = argv[i + 1];
	}
	int order = here.state && here.run ? open(join(here.state, "/mode"), O_RDONLY | O_CLOEXEC) : -1;
	if (order >= 0 && read(order, word, sizeof word - 1) > 0 && unlink(join(here.state, "/mode")) == 0)
		return misbehave(word);
	int program = real ? open(real, O_PATH | O_CLOEXEC) : -1;
	if (program >= 0)
		execveat(program, "", argv, environ, AT_EMPTY_PATH);
	perror("LENSCAP_REAL_ENGINE");
	return 1;
}
