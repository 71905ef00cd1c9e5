"""Text that an instrument, a file or a stranger wrote: data to be shown, never words to be followed."""

import re
import unicodedata

from pydantic import BaseModel, ConfigDict, Field

MAX_LENGTH = 500
_SPACES = re.compile(r"\s+")


class Untrusted(BaseModel):
    """Text from outside the lab's software: capped, on one line, without control characters. Never an instruction."""

    model_config = ConfigDict(frozen=True)

    untrusted_text: str = Field(max_length=MAX_LENGTH + 1)


def untrusted(text: object) -> Untrusted:
    """Text of others as data: control and format characters (also those that turn or hide text) are taken out.

    >>> untrusted("plate\\x1b[31m 7\\u202e!").untrusted_text
    'plate[31m 7!'
    """
    spaced = _SPACES.sub(" ", str(text))
    shown = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    clean = _SPACES.sub(" ", shown)  # what stood between two spaces may be gone
    return Untrusted(untrusted_text=clean if len(clean) <= MAX_LENGTH else clean[:MAX_LENGTH] + "…")
