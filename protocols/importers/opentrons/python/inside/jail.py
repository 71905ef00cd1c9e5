"""Runs one stranger's program a folder, each in a process that can do next to nothing else.

`python -s -P -B jail.py SECONDS FOLDER...` imports what is trusted once, then forks for each folder. Before the fork
reads a word of the stranger's, the kernel is told (all that is given up cannot be had back):
- Landlock: files are read below this interpreter and the system's libraries, and written below the folder alone;
- seccomp: no sockets, no new processes and programs, no signals to others, no owners or modes of files;
- limits: CPU time, memory, size of a file; no core dumps; and, where the machine allows it, a network of its own
  without any interface.
Without Landlock or seccomp nothing is run. This process watches the clock and the folder's size.
One line of JSON a folder goes to standard output: {"folder", "end", "held"}.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

MEMORY_BYTES = 2 << 30
FILE_BYTES = 64 << 20
FOLDER_BYTES = 128 << 20
FOLDER_FILES = 2000
POLL_S = 0.05
LIMITS = (
    (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_FSIZE, FILE_BYTES),
    (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 256),
)  # fmt: skip
NOT_HELD = 77  # exit code: what should hold the program could not be set up

PR_SET_PDEATHSIG, CLONE_THREAD = 1, 0x10000
CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
READABLE = ("/usr/lib", "/usr/local/lib", "/usr/share/zoneinfo", "/lib", "/lib64")
#: System calls that are refused. A socket pair is let through: an event loop wakes itself with it.
REFUSED = (
    "socket", "connect", "bind", "listen", "accept", "accept4", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "fork", "vfork", "execve", "execveat", "unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev",
    "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd",
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr",
    "removexattr", "lremovexattr", "fremovexattr", "utime", "utimes", "futimesat", "utimensat",
    "mount", "umount2", "pivot_root", "chroot", "mknod", "mknodat", "open_by_handle_at", "name_to_handle_at",
    "quotactl", "setrlimit", "setpriority", "sched_setscheduler", "shmget", "semget", "msgget", "mq_open", "add_key",
    "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "settimeofday", "clock_settime", "adjtimex",
    "clock_adjtime", "sethostname", "setdomainname", "iopl", "ioperm", "acct", "syslog", "personality", "vhangup",
)  # fmt: skip


def lock(folder: str, seconds: int) -> list[str]:
    """Give everything up but the folder; the names of what holds from now on. Raises where it cannot be done."""
    import landlock
    import pyseccomp

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for what, limit in LIMITS:
        resource.setrlimit(what, (limit, limit))
    held = ["landlock", "seccomp", "limits"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0:
        held.append("network namespace")

    may, rules = landlock.FSAccess, landlock.Ruleset()
    for place in sorted({sys.prefix, sys.base_prefix, os.environ["OT_API_CONFIG_DIR"], *READABLE} - {"/"}):
        if os.path.isdir(place):
            rules.allow(place, rules=may.READ_FILE | may.READ_DIR)
    rules.allow("/dev/null", "/dev/urandom", rules=may.READ_FILE | may.WRITE_FILE)
    special = may.MAKE_SYM | may.MAKE_FIFO | may.MAKE_SOCK | may.MAKE_CHAR | may.MAKE_BLOCK
    rules.allow(folder, rules=may.all() & ~special & ~may.EXECUTE)
    rules.apply()

    calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in REFUSED:
        with contextlib.suppress(OSError):  # a name that this architecture does not have
            calls.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    calls.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0))
    calls.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen; the C library takes clone
    calls.add_rule(pyseccomp.ERRNO(errno.EPERM), "prlimit64", pyseccomp.Arg(2, pyseccomp.NE, 0))
    calls.load()
    return held


def run(folder: str, seconds: int, work: Callable[[str], None]) -> dict[str, object]:
    """One folder's work in a fork of its own, and how it ended."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        _inside(folder, seconds, work, tell)
    os.close(tell)
    with os.fdopen(told) as lines:
        held = lines.read(1000)
    end = _watch(child, folder, time.monotonic() + 2 * seconds)
    return {"folder": folder, "end": end, "held": held.split(",") if held else []}


def _inside(folder: str, seconds: int, work: Callable[[str], None], tell: int) -> None:
    code = NOT_HELD
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(HOME=folder, TMPDIR=folder)
        held = lock(folder, seconds)
        os.write(tell, ",".join(held).encode())
        quiet = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
        os.closerange(3, 4096)
        code = 1
        work(folder)
        code = 0
    except BaseException as error:
        if code == NOT_HELD:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def _watch(child: int, folder: str, until: float) -> str:
    """How the child ended: ok, error, unheld, time, size, or the name of a signal."""
    verdict = ""
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if not verdict and time.monotonic() > until:
            verdict = "time"
        elif not verdict and _too_big(folder):
            verdict = "size"
        if verdict:
            os.kill(child, signal.SIGKILL)
        time.sleep(POLL_S)
    code = os.waitstatus_to_exitcode(status)
    if verdict or code == -signal.SIGXCPU:
        return verdict or "time"
    if code < 0:
        return "time" if code == -signal.SIGKILL else signal.Signals(-code).name
    return {0: "ok", NOT_HELD: "unheld"}.get(code, "error")


def _too_big(folder: str) -> bool:
    size = count = 0
    for root, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(root, name)).st_size
        if size > FOLDER_BYTES or count > FOLDER_FILES:
            return True
    return False


def main() -> None:
    """The folders of the command line, one after the other."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    seconds, folders = int(sys.argv[1]), sys.argv[2:]
    work = runpy.run_path(str(Path(__file__).with_name("analyse.py")))["prepared"]()
    for folder in folders:
        sys.stdout.write(json.dumps(run(folder, seconds, work)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
