"""The nearest known word to a mistyped one."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when none is alike.

    >>> nearest("twinn", ["real", "twin"])
    'twin'
    """
    return next(iter(difflib.get_close_matches(word, list(known), 1, 0.6)), None)


def did_you_mean(word: str, known: Iterable[str], among: str = "") -> str:
    """A hint for a mistyped word: the nearest known one, else all of them after the text `among`, if given.

    >>> did_you_mean("arn", ["arm", "reader"])
    "did you mean 'arm'?"
    >>> did_you_mean("x", ["reader", "arm"], "known")
    'known: arm, reader'
    """
    words = sorted(known)
    near = nearest(word, words)
    if near is not None:
        return f"did you mean '{near}'?"
    return f"{among}: {', '.join(words) or 'none'}" if among else ""
