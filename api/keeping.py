"""Keeps the interface's process alive: one that died or hangs is replaced. Its socket lives on.

A spare waits with everything read and imported, so that the next answer comes at once. Requests that come meanwhile
wait in the socket's queue.
"""

import contextlib
import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

LOOK_S = 0.05
ASK_S = 1.0  # between questions whether it still answers
SILENT_S = 10.0  # without an answer, before it is replaced: a loaded machine may take some
START_S = 90.0  # for its first answer
_PAUSE_S = (0.0, 0.2, 1.0, 5.0)  # before the next start, when the last one died without an answer
#: What a spare waits for on its standard input; the end of input means that nobody keeps it any more.
GO = "go"

Tell = Callable[[str], None]


class Keeper:
    """Runs `command` with the listening socket as its file descriptor `--fd`, until it is closed."""

    def __init__(self, command: Sequence[str], listening: socket.socket, tell: Tell, *, tls: bool = False) -> None:
        self._command = [*command, "--fd", str(listening.fileno())]
        self._socket, self._tell, self._tls = listening, tell, tls
        self._ending = threading.Event()
        self._spare: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep, name="interface", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the process, and the keeping."""
        self._ending.set()
        self._thread.join(START_S)
        self._socket.close()

    def _keep(self) -> None:
        failures = 0
        while not self._ending.is_set():
            spare, self._spare = self._spare, None
            process = spare if spare is not None and spare.poll() is None else self._spawn()
            self._say(process)
            answered = self._watch(process)
            if self._ending.is_set():
                break
            failures = 0 if answered else min(failures + 1, len(_PAUSE_S) - 1)
            self._tell(f"the interface ended with {process.returncode}; the next one takes over")
            self._ending.wait(_PAUSE_S[failures])
        if self._spare is not None:
            _end(self._spare)

    def _spawn(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # noqa: S603 - our own words
            self._command, pass_fds=(self._socket.fileno(),), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._hear, args=(process,), daemon=True).start()
        return process

    def _say(self, process: "subprocess.Popen[str]") -> None:
        """It is its turn; one that is dead already shows when it is watched."""
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(f"{GO}\n")
                process.stdin.flush()

    def _watch(self, process: "subprocess.Popen[str]") -> bool:
        """Until the process is gone; whether it ever answered."""
        answered, heard, asked = False, time.monotonic(), 0.0
        while process.poll() is None:
            if self._ending.wait(LOOK_S):
                _end(process)
                return answered
            now = time.monotonic()
            if now - asked >= ASK_S:
                asked = now
                if self._answers():
                    answered, heard = True, time.monotonic()
                    if self._spare is None or self._spare.poll() is not None:
                        self._spare = self._spawn()
            if time.monotonic() - heard > (SILENT_S if answered else START_S):
                self._tell("the interface does not answer; ending it")
                process.kill()
                process.wait()
        _close(process)
        return answered

    def _answers(self) -> bool:
        host, port = self._socket.getsockname()[:2]
        with contextlib.suppress(OSError, http.client.HTTPException):
            if self._tls:  # whether it lives is asked here, not who it is: its certificate has another name
                blind = ssl._create_unverified_context()  # noqa: S323, SLF001
                connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                    host, port, timeout=ASK_S, context=blind
                )
            else:
                connection = http.client.HTTPConnection(host, port, timeout=ASK_S)
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
            finally:
                connection.close()
        return False

    def _hear(self, process: "subprocess.Popen[str]") -> None:
        if process.stderr is not None:
            with process.stderr as pipe:
                for line in pipe:
                    self._tell(line.rstrip())


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(SILENT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _close(process)


def _close(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
