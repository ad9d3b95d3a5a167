# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are started wrongly, by hand or by somebody else than the gate: they say what is wrong, end, and have touched nothing."""

import os
import socket
import subprocess
import tempfile

import channel
import daemon
import lab as lab_module
from daemon import BUILD
from netcase import NO, OPEN_TO_NO, TAIL, check, policy, tests
from result import Skip

LENSCAPD, ENGINE = os.path.join(BUILD, "lenscapd"), os.path.join(BUILD, "lenscap-engine")


def run(*words, environment=None, **named):
    return subprocess.run(words, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(environment or {})}, **named)


@tests.add("lenscapd --version, --help, an unknown option, a word too many: exit codes 0 and 2, what it says on the right stream")
def begin_words():
    for words, code, out, err in ((["--version"], 0, "lenscapd 0.", ""), (["--help"], 0, "usage: lenscapd", ""),
                                  (["--no-such-option"], 2, "", "usage: lenscapd"), (["-v", "word"], 2, "", "word: no such argument")):
        p = run(LENSCAPD, *words)
        check(p.returncode == code, f"{words}: {p.returncode}")
        check((out in p.stdout if out else not p.stdout) and (err in p.stderr if err else not p.stderr), f"{words}: {p.stdout!r} {p.stderr!r}")


@tests.add("lenscapd -n checks and goes: 0 for a good policy, 1 with its place for a bad one, 1 for a file or a user that is not there")
def begin_check():
    user = "root" if lab_module.in_user_namespace() else "nobody"
    with lab_module.Lab(hosts=NO) as lab:
        d = daemon.Daemon(lab, policy(OPEN_TO_NO, tail=TAIL))
        try:
            bad = d.path("bad.yaml")
            with open(bad, "w") as f:
                f.write("version: 1\nmode: sometimes\n")
            for words, code, said in ((["-c", d.policy_path, "--user", user], 0, ""),
                                      (["-c", d.policy_path, "--user", user, "-v", "--no-sandbox"], 0, ""),
                                      (["-c", bad, "--user", user], 1, "bad.yaml:2:7"),
                                      (["-c", d.path("missing.yaml"), "--user", user], 1, "missing.yaml"),
                                      (["-c", d.policy_path, "--user", "no-such-user-here"], 1, "there is no user no-such-user-here")):
                p = run(LENSCAPD, "-n", *words)
                check(p.returncode == code and said in p.stderr + p.stdout, f"{words}: {p.returncode}\n{p.stdout}{p.stderr}")
            check(not os.path.exists(d.path("run")) and not d.table(), "a check leaves something behind")
        finally:
            d.close()


@tests.add("lenscapd whose directories are files, or whose path is too long for a socket: it says which, and no rule is in the kernel")
def begin_places():
    with lab_module.Lab(hosts=NO) as lab:
        d = daemon.Daemon(lab, policy(OPEN_TO_NO))
        try:
            with open(d.path("file"), "w"):
                pass
            long = d.path("r" * 120)
            for run_dir, state_dir, said in ((d.path("file"), d.path("state"), "file: cannot use this directory"),
                                             (d.path("run"), d.path("file"), "file: cannot use this directory"),
                                             (long, d.path("state"), "longer than a socket's path may be")):
                p = run(*lab.gateway.command(LENSCAPD, "-f", "-c", d.policy_path, "--run-dir", run_dir, "--state-dir", state_dir, "--user", d.user))
                check(p.returncode == 1 and said in p.stderr, f"{run_dir} {state_dir}: {p.returncode}\n{p.stderr}")
                check(not d.table(), "its table is in the kernel")
        finally:
            d.close()


@tests.add("lenscapd for the journal: a priority before each line where stderr is the journal's, none where JOURNAL_STREAM tells of another file")
def begin_journal():
    with tempfile.TemporaryFile("w+") as said:
        st = os.fstat(said.fileno())
        for stream, marked in ((f"{st.st_dev}:{st.st_ino}", True), (f"{st.st_dev}:{st.st_ino + 1}", False), ("nonsense", False)):
            said.seek(0)
            said.truncate()
            subprocess.run([LENSCAPD, "-n", "-c", "/nonexistent/lenscap.yaml", "--user", "no-such-user-here"], stderr=said, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, timeout=30, env={**os.environ, "JOURNAL_STREAM": stream})
            said.seek(0)
            line = said.readline()
            if os.geteuid() == 0:
                check(line.startswith("<4>lenscapd: ") == marked and line, f"{stream}: {line!r}")


@tests.add("lenscapd without the power it needs, or as a user that is missing where none was named: refused in words")
def begin_power():
    if lab_module.in_user_namespace():
        raise Skip("it is for real root")
    with lab_module.Lab(hosts=NO) as lab:
        d = daemon.Daemon(lab, policy(OPEN_TO_NO))
        try:
            for name in ("run", "state"):
                os.mkdir(d.path(name))
                os.chmod(d.path(name), 0o777)
            weak = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
            p = run(*lab.gateway.command(*weak, LENSCAPD, "-f", "-c", d.policy_path, "--run-dir", d.path("run"), "--state-dir", d.path("state")))
            check(p.returncode == 1 and p.stderr, f"{p.returncode}\n{p.stderr}")
            check(not d.table(), "its table is in the kernel")
            return p.stderr.strip().splitlines()[-1]
        finally:
            d.close()


def engine_hears(*messages, arguments=()):
    """(exit code, stderr) of an engine to whom the other end of its channel says this and hangs up. messages: (bytes, descriptors)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with tempfile.TemporaryDirectory(prefix="lenscap-test-") as directory, ours, theirs:
        p = subprocess.Popen([ENGINE, "--channel", str(theirs.fileno()), "--run-dir", directory, "--state-dir", directory, *arguments],
                             pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            theirs.close()
            for data, fds in messages:
                try:
                    channel.send(ours, data, fds)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it has heard enough
            ours.shutdown(socket.SHUT_WR)
            _, err = p.communicate(timeout=30)
            return p.returncode, err
        finally:
            p.kill()
            p.wait()


def first(version=channel.VERSION, **fields):
    start = channel.Start(channel.Head(channel.START, 0, version), generation=1, boot=0x5eed)
    for name, value in fields.items():
        setattr(start, name, value)
    return bytes(start)


@tests.add("an engine whose gate says nothing, something else, too little, too much, or a policy that is none: it ends and says why")
def begin_engine():
    good, nonsense = channel.bundle_memfd([("t.yaml", policy(OPEN_TO_NO, tail=""))]), os.memfd_create("nonsense")
    os.write(nonsense, b"lenscap-bundle 2\np 99999 1\n")
    queue, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    q, root = queue.fileno(), os.open("/", os.O_RDONLY)
    cases = (
        ("nothing", [], "the gate said nothing"),
        ("a ping", [(bytes(channel.Head(channel.PING, 0, 1)), [])], "the first message is no start"),
        ("half a start", [(first()[:20], [good, q])], "the first message is no start"),
        ("another version", [(first(version=99), [good, q])], "no start of this version"),
        ("no descriptor", [(first(), [])], "no start of this version"),
        ("one too few", [(first(has_control=1), [good, q])], "no start of this version"),
        ("one too many", [(first(), [good, q, q])], "no start of this version"),
        ("no bundle", [(first(), [nonsense, q])], "could not be taken over"),
        ("a directory", [(first(), [root, q])], "could not be taken over"),
    )
    try:
        for what, messages, said in cases:
            code, err = engine_hears(*messages)
            check(code == 1 and said in err, f"{what}: {code}\n{err}")
    finally:
        queue.close()
        other.close()
        for fd in (good, nonsense, root):
            os.close(fd)


@tests.add("lenscap-engine started by hand: without a channel, with words that it does not know, or with a channel that is a file, it ends with an error")
def begin_engine_by_hand():
    for words in ([], ["--no-such-option"], ["--channel", "0"], ["--plan", "/nonexistent"], ["--store"]):
        p = run(ENGINE, *words)
        check(p.returncode not in (0, -6, -11), f"{words}: {p.returncode}\n{p.stdout}{p.stderr}")
