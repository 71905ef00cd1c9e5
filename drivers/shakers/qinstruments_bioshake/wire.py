"""The wire of a QInstruments BioShake: words in ASCII at 9600 baud 8N1, both roles.

A request is a word, perhaps with a whole number joined to it, and a CR; each is answered by one line, `ok`,
a value, `e` for an error or `u -> word` for a word that is not known, and CR LF. `resetDevice` alone answers
with several lines, of which the last is `Initialization complete`.

Sources: PyLabRobot 0.2.2, `heating_shaking/bioshake_backend.py` (frames, words, units of 0.1 degC); the codes
of shaker, lock (ELM) and errors follow QInstruments' integration manual as given in the open drivers
kylejeanlewis/control-lab-ly (`qinstruments_lib.py`) and Galago (`tools/bioshake`), which also has the short
words. The manual itself was not at hand.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from drivers.core.lines import Lines

BAUD = 9600
OK, ERROR = "ok", "e"
BOOTED = "Initialization complete"

#: Every word that is understood here, with its short form where one is known.
WORDS: dict[str, str] = {
    "resetDevice": "reset",
    "getVersion": "",
    "getDescription": "",
    "getErrorList": "gel",
    "shakeOn": "son",
    "shakeOnWithRuntime": "sonwr",
    "shakeOff": "soff",
    "shakeEmergencyOff": "",
    "shakeGoHome": "sgh",
    "getShakeState": "gsst",
    "getShakeTargetSpeed": "gsts",
    "setShakeTargetSpeed": "ssts",
    "getShakeActualSpeed": "gsas",
    "getShakeMinRpm": "",
    "getShakeMaxRpm": "",
    "getShakeAcceleration": "gsa",
    "setShakeAcceleration": "ssa",
    "getShakeAccelerationMin": "",
    "getShakeAccelerationMax": "",
    "getShakeRemainingTime": "gsrt",
    "tempOn": "ton",
    "tempOff": "toff",
    "getTempState": "",
    "getTempTarget": "",
    "setTempTarget": "stt",
    "getTempActual": "",
    "getTempMin": "",
    "getTempMax": "",
    "setElmLockPos": "selp",
    "setElmUnlockPos": "seup",
    "getElmState": "",
    "getElmStateAsString": "gesas",
}
_LONG = {short: word for word, short in WORDS.items() if short}
_REQUEST = re.compile(f"({'|'.join(sorted([*WORDS, *_LONG], key=len, reverse=True))})" + r"(-?\d{1,6})?", re.IGNORECASE)
_SPELLING = {word.lower(): word for word in WORDS} | _LONG


#: No word, so that it does nothing but be answered: it spoils what an earlier client may have begun to write, and its
#: answer tells that everything before it was answered.
SYNC = b"?\r"


class ShakeState(IntEnum):
    """What `getShakeState` answers."""

    RUNNING = 0
    STOP_SEEN = 1
    BRAKING = 2
    HOME = 3  # stopped and locked at home
    MANUAL = 4
    ACCELERATING = 5
    DECELERATING = 6
    STOPPING = 7
    GOING_HOME = 8
    FREE = 9  # stopped, not locked
    ECO = 90
    BOOTING = 99


class ElmState(IntEnum):
    """What `getElmState` answers of the edge locking mechanism that holds a plate."""

    MOVING = 0
    LOCKED = 1
    UNLOCKED = 3
    FAILED = 9


#: Codes in the list that `getErrorList` answers, such as `{101; 304}`.
ERRORS: dict[int, str] = {
    101: "the motor controller failed",
    102: "the speed was not reached; is the table blocked?",
    103: "the shaker was not initialised",
    104: "the initialisation failed",
    105: "the home position was not reached",
    106: "the speed was too high",
    201: "a temperature sensor does not answer",
    202: "the temperature bus failed",
    203: "a temperature sensor is missing",
    204: "a temperature measurement failed",
    300: "the lock failed",
    301: "the lock's driver failed",
    303: "the unlocked position is doubtful; restart the device",
    304: "the locked position was not reached in time; restart the device",
    305: "the unlocked position was not reached in time; restart the device",
    306: "the lock needed too much current; restart the device",
    307: "the unlocking needed too much current; restart the device",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `word` as `WORDS` spells it, or as it came where it is not known."""

    word: str
    value: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the device has this word."""
        return self.word in WORDS


class Requests:
    """DEVICE role: requests out of what a client sends; LF beside CR is ignored, and so are empty lines."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes."""
        texts = (line.decode("latin-1").strip() for line in self._lines.feed(data))
        return [_request(text) for text in texts if text]


class Replies:
    """CLIENT role: replies out of what a device sends."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r\n")

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        return [line.decode("latin-1") for line in self._lines.feed(data)]


def _request(text: str) -> Request:
    match = _REQUEST.fullmatch(text)
    if match is None:
        return Request(text)
    value = match[2]
    return Request(_SPELLING[match[1].lower()], None if value is None else int(value))


def encode_request(word: str, value: int | None = None) -> bytes:
    """CLIENT role: one request.

    >>> encode_request("setTempTarget", 370)
    b'setTempTarget370\\r'
    """
    return f"{word}{'' if value is None else value}\r".encode("ascii")


def is_sync(reply: str) -> bool:
    """CLIENT role: whether a reply is the one to `SYNC`, perhaps behind half a word of an earlier client.

    >>> is_sync("u -> shak?"), is_sync("ok")
    (True, False)
    """
    return reply.startswith("u ->") and reply.endswith("?")


def encode_reply(text: str) -> bytes:
    """DEVICE role: one line."""
    return f"{text}\r\n".encode("ascii", "replace")


def errors(answer: str) -> list[str]:
    """CLIENT role: what an answer to `getErrorList` says, in words.

    >>> errors("{101; 999}")
    ['101 the motor controller failed', '999 (a code not in our list)']
    """
    codes = [int(code) for code in re.findall(r"\d+", answer)]
    return [f"{code} {ERRORS.get(code, '(a code not in our list)')}" for code in codes]
