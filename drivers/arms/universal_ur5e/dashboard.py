"""The dashboard server of an e-Series controller, TCP 29999: lines of text, one answer a line. Pure.

Universal Robots, "Dashboard Server e-Series, port 29999": every command and every answer ends with a newline; a new
client is greeted by one line. Answers are told apart by their words.
"""

GREETING = "Connected: Universal Robots Dashboard Server"
END = b"\n"
#: What the driver says, and how an answer that says yes begins.
YES = {
    "power on": "Powering on",
    "brake release": "Brake releasing",
    "stop": "Stopped",
}


def encode(line: str) -> bytes:
    """A command, or an answer."""
    return line.encode() + END


def decode(line: bytes) -> str:
    """The text of a line; raises `ValueError` for what is no ASCII."""
    return line.rstrip(b"\r").decode("ascii")
