/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which system calls each kind of process may make, and why: the one list from which the filters are built, and which lenscap-sandbox(7)
 * repeats. G: the gate, E: the engine, S: the store, P: the planner. A filter is inherited, so the gate's lets through what its children need
 * as well; what is looked at in their arguments is looked at in their own filters.
 *
 * A call belongs here when the C library or one of ours makes it in ordinary work or to say that something went wrong; not when it fails
 * without harm.
 */
#include <seccomp.h>

#include "sandbox.h"

enum {
	G = SANDBOX_GATE,
	E = SANDBOX_ENGINE,
	S = SANDBOX_STORE,
	P = SANDBOX_PLANNER,
	CHILDREN = E | S | P,
	ALL = G | CHILDREN,
};

#define CALL(call, who, why)	     {SCMP_SYS(call), #call, why, who, CHECK_NONE}
#define CHECKED(call, who, look, why) {SCMP_SYS(call), #call, why, who, look}

static const struct sandbox_call memory[] = {
	CHECKED(mmap, CHILDREN, CHECK_NOT_EXECUTABLE, "memory, and databases that are read in place; never executable"),
	CALL(mmap, G, "memory"),
	CHECKED(mprotect, CHILDREN, CHECK_NOT_EXECUTABLE, "guard pages of threads; never executable"),
	CALL(mprotect, G, "guard pages; its children are loaded"),
	CALL(brk, ALL, "memory"),
	CALL(mremap, ALL, "large buffers grow"),
	CALL(munmap, ALL, "memory goes back"),
	CALL(madvise, ALL, "free memory goes back"),
};

static const struct sandbox_call files[] = {
	CALL(openat, ALL, "files; which ones, Landlock says"),
	CALL(open, ALL, "the same, by older libraries"),
	CALL(close, ALL, "files"),
	CALL(read, ALL, "files, and the bell of a writer"),
	CALL(pread64, ALL, "files"),
	CALL(readv, E, "control connections"),
	CALL(write, ALL, "files, and messages for the log"),
	CALL(writev, E, "records, several at once"),
	CALL(pwrite64, S, "pages of the database"),
	CALL(lseek, ALL, "policy bundles, databases, counting descriptors"),
	CALL(fstat, ALL, "what was opened"),
	CALL(newfstatat, ALL, "has a file been replaced"),
	CALL(stat, ALL, "the same, by older libraries"),
	CALL(lstat, ALL, "the same, by older libraries"),
	CALL(statx, ALL, "the same, by newer libraries"),
	CHECKED(fcntl, CHILDREN, CHECK_DESCRIPTOR, "flags, seals and locks; no signals, leases or notifications"),
	CALL(fcntl, G, "flags and seals"),
	CALL(getdents64, G | E | P, "policy.d and the catalogue; counting descriptors"),
	CALL(getdents64, S, "databases that were put aside"),
	CALL(copy_file_range, E, "a private copy of a geo database"),
	CALL(memfd_create, G | E, "policy bundles; a private copy where the disk cannot have one"),
	CALL(fchmod, E | S, "the mode of a new log file"),
	CALL(rename, E | S, "budgets are replaced as a whole; a damaged database is put aside"),
	CALL(renameat, G | E | S, "the same; the gate's own files"),
	CALL(renameat2, G | E | S, "the same, where there is no other"),
	CALL(unlink, S, "the database's log of writes"),
	CALL(unlinkat, G | S, "sockets at the end, policies that are too old"),
	CALL(fsync, G | S, "what must survive a power cut"),
	CALL(fdatasync, S, "the database"),
	CALL(ftruncate, S, "the database's log of writes"),
	CALL(access, S | P, "is a file there"),
	CALL(faccessat, G | S | P, "the same, by newer libraries"),
	CALL(faccessat2, G | S | P, "the same, by newer libraries"),
	CALL(readlink, ALL, "where this program is; what a path that a policy names really is"),
	CALL(readlinkat, ALL, "the same"),
	CALL(getcwd, S, "the database's path"),
	CALL(umask, G | S, "new files are for their owner"),
	CALL(dup, E, "a database for its library"),
	CALL(fchown, S, "the database's files belong to its owner"),
	CALL(mkdirat, G, "directories of the engine, the store and kept policies"),
	CALL(flock, G, "one instance"),
};

static const struct sandbox_call messages[] = {
	CALL(recvmmsg, E, "packets, 64 at a time"),
	CALL(recvmsg, G | E, "the other process; the kernel's answers"),
	CALL(recvfrom, G | E | S, "the store and the engine; announcements; the kernel's answers"),
	CALL(sendmsg, G | E, "verdicts to the gate; records to syslog"),
	CALL(sendto, G | E | S, "the store and the engine; the kernel"),
	CALL(accept4, E, "control connections, on sockets that it was given"),
	CALL(getsockopt, G | E, "who connects"),
	CHECKED(ioctl, E, CHECK_HOW_MUCH, "how much a control connection has to say"),
	CALL(shutdown, E, "a control connection ends"),
};

static const struct sandbox_call power[] = {
	CHECKED(socket, G, CHECK_FAMILY, "netlink, unix, and members of multicast groups; no other family"),
	CALL(socketpair, G, "channels to the engine and the store"),
	CALL(bind, G, "netlink"),
	CALL(connect, G, "the service manager"),
	CALL(getsockname, G, "netlink"),
	CALL(setsockopt, G, "buffers and groups"),
	CALL(signalfd4, G, "signals as messages"),
	CHECKED(clone, G, CHECK_NO_NAMESPACE, "new processes, without namespaces of their own"),
	CALL(pidfd_open, G, "has a child died"),
	CALL(wait4, G, "the end of children"),
	CALL(waitid, G, "the end of children"),
	CALL(kill, G, "an engine that does not answer"),
	CALL(getppid, G, "a child whose gate is gone must not start"),
	CALL(dup2, G, "descriptors of a child"),
	CALL(dup3, G, "the same"),
	CALL(close_range, G, "what a child does not inherit"),
	CALL(execveat, G, "the engine's program, by its descriptor"),
	CALL(capset, G, "children give up what is left"),
	CALL(capget, G, "the same"),
	CALL(prctl, G, "the same; children die with it"),
	CALL(prlimit64, G, "limits of children"),
	CALL(seccomp, G, "children have narrower filters"),
	CALL(landlock_create_ruleset, G, "and file rules"),
	CALL(landlock_add_rule, G, "the same"),
	CALL(landlock_restrict_self, G, "the same"),
	CALL(arch_prctl, G, "children are loaded"),
	CALL(set_tid_address, G, "the same"),
	CALL(epoll_create1, G, "the engine begins"),
	CALL(pipe2, G, "the same"),
	CALL(pipe, G, "the same"),
};

static const struct sandbox_call waiting[] = {
	CALL(epoll_wait, E, "the loop"),
	CALL(epoll_pwait, E, "the same"),
	CALL(epoll_pwait2, E, "the same"),
	CALL(epoll_ctl, E, "the same"),
	CALL(poll, G | E | S, "the channel, readers that are slow"),
	CALL(ppoll, G | E | S, "the gate's loop"),
	CALL(select, G, "libnftables waits for the kernel"),
	CALL(pselect6, G, "the same"),
	CALL(eventfd2, E, "the bell of a writer"),
	CALL(futex, ALL, "locks of the C library"),
	CALL(sched_yield, ALL, "the same"),
	CALL(clock_gettime, ALL, "the time, where the kernel does not show it in memory"),
	CALL(gettimeofday, ALL, "the same"),
	CALL(time, ALL, "the same"),
	CALL(clock_getres, ALL, "the same"),
	CALL(clock_nanosleep, ALL, "a busy database; a table that is being changed"),
	CALL(nanosleep, ALL, "the same"),
	CALL(restart_syscall, ALL, "a wait goes on after SIGSTOP and SIGCONT"),
};

static const struct sandbox_call process[] = {
	CALL(exit_group, ALL, "the end"),
	CALL(exit, ALL, "the end of a thread"),
	CHECKED(clone, E, CHECK_THREAD, "writers of records: threads, never processes"),
	CALL(set_robust_list, ALL, "threads"),
	CALL(rseq, ALL, "threads"),
	CALL(sched_getaffinity, ALL, "how many arenas the allocator makes"),
	CALL(sysinfo, ALL, "how much memory a sort may take"),
	CHECKED(prctl, CHILDREN, CHECK_THREAD_NAME, "names of threads"),
	CHECKED(prlimit64, CHILDREN, CHECK_NO_NEW_VALUE, "reads its limits, sets none"),
	CHECKED(tgkill, CHILDREN, CHECK_OWN_PROCESS, "abort(3): itself and nobody else"),
	CALL(tgkill, G, "abort(3)"),
	CALL(getpid, ALL, "who it is"),
	CALL(gettid, ALL, "the same"),
	CALL(getuid, ALL, "libraries ask whether they may believe the environment"),
	CALL(geteuid, ALL, "the same"),
	CALL(getgid, ALL, "the same"),
	CALL(getegid, ALL, "the same"),
	CALL(uname, ALL, "the name of this host"),
	CALL(getrandom, ALL, "keys of hash tables"),
	CALL(getrusage, G | E, "processor time for stats"),
	CALL(rt_sigaction, ALL, "abort(3), broken pipes"),
	CALL(rt_sigprocmask, ALL, "the same"),
	CALL(rt_sigreturn, ALL, "the same"),
	CALL(sigaltstack, ALL, "the same"),
};

#define GROUP(table) {#table, (table), sizeof(table) / sizeof *(table)}

const struct sandbox_group sandbox_groups[] = {
	GROUP(memory), GROUP(files), GROUP(messages), GROUP(power), GROUP(waiting), GROUP(process),
};
const size_t sandbox_n_groups = sizeof sandbox_groups / sizeof *sandbox_groups;

const struct sandbox_call sandbox_deadly[] = {
	CALL(execve, ALL, "another program"),
	CALL(execveat, CHILDREN, "another program"),
	CALL(fork, ALL, "a process that the gate does not know"),
	CALL(vfork, ALL, "the same"),
	CALL(ptrace, ALL, "another process's memory"),
	CALL(process_vm_readv, ALL, "the same"),
	CALL(process_vm_writev, ALL, "the same"),
	CALL(pidfd_getfd, ALL, "another process's descriptors"),
	CALL(kcmp, ALL, "the same"),
	CALL(bpf, ALL, "programs in the kernel"),
	CALL(perf_event_open, ALL, "a large surface of the kernel"),
	CALL(userfaultfd, ALL, "the same"),
	CALL(io_uring_setup, ALL, "the same; it goes past this filter"),
	CALL(io_uring_enter, ALL, "the same"),
	CALL(io_uring_register, ALL, "the same"),
	CALL(mount, ALL, "another view of the files"),
	CALL(umount2, ALL, "the same"),
	CALL(pivot_root, ALL, "the same"),
	CALL(chroot, ALL, "the same"),
	CALL(open_tree, ALL, "the same"),
	CALL(move_mount, ALL, "the same"),
	CALL(fsopen, ALL, "the same"),
	CALL(fsmount, ALL, "the same"),
	CALL(open_by_handle_at, ALL, "files past their directories"),
	CALL(unshare, ALL, "namespaces, with power in them"),
	CALL(setns, ALL, "the same"),
	CALL(keyctl, ALL, "keys of others"),
	CALL(add_key, ALL, "the same"),
	CALL(request_key, ALL, "the same"),
	CALL(setuid, CHILDREN, "another user"),
	CALL(setresuid, CHILDREN, "the same"),
	CALL(setgid, CHILDREN, "the same"),
	CALL(init_module, ALL, "code for the kernel"),
	CALL(finit_module, ALL, "the same"),
	CALL(delete_module, ALL, "the same"),
	CALL(kexec_load, ALL, "the same"),
	CALL(kexec_file_load, ALL, "the same"),
	CALL(reboot, ALL, "the whole machine"),
	CALL(swapon, ALL, "the same"),
	CALL(swapoff, ALL, "the same"),
	CALL(settimeofday, ALL, "the clock of others"),
	CALL(clock_settime, ALL, "the same"),
	CALL(personality, CHILDREN, "executable memory by another door"),
};
const size_t sandbox_n_deadly = sizeof sandbox_deadly / sizeof *sandbox_deadly;
