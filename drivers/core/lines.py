"""Lines out of a stream of bytes that comes in pieces of any size."""


class Lines:
    """Cuts a stream at `end`; what follows the last one waits for more.

    >>> lines = Lines(b"\\r\\n")
    >>> lines.feed(b"one\\r\\ntwo\\r"), lines.feed(b"\\nthree")
    ([b'one'], [b'two'])
    """

    def __init__(self, end: bytes) -> None:
        self._end = end
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends."""
        *lines, self._rest = (self._rest + data).split(self._end)
        return lines
