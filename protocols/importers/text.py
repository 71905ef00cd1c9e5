"""Text of files that strangers wrote."""

import unicodedata

MAX_TEXT = 1000


def clean(text: str) -> str:
    """Text of strangers without hidden characters, in one line, and not too long."""
    seen = "".join(char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co") else " " for char in text)
    return " ".join(seen.split())[:MAX_TEXT]
