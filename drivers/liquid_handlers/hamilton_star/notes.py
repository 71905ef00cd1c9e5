"""What the driver notes at the instrument, so that the next process finds it: which labware it was told on each site.

The firmware keeps ten texts of twelve characters as `deck data` (DD, VD; PyLabRobot 0.2.2, `set_deck_data`), and the
deck has ten sites. Each note is `G`, the number of the site, five characters of the labware's name and five of its
kind, both hashed. They are looked for anywhere in the answer, whose layout PyLabRobot does not tell.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

EMPTY = "0" * 12
_NOTE = re.compile(r"G(\d)([A-Z2-7]{5})([A-Z2-7]{5})")


def short(text: str) -> str:
    """Five characters for a name.

    >>> short("plate")
    'HNLMG'
    """
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:5].decode()


def note(site: int, labware: str, load_name: str) -> str:
    """The text for a site, by its number."""
    return f"G{site}{short(labware)}{short(load_name)}"


def read(answer: str) -> Mapping[int, tuple[str, str]]:
    """Site -> hashes of labware and kind, as far as they are there.

    >>> read("C0VDid0001er00/00vj" + note(3, "plate", "corning")) == {3: (short("plate"), short("corning"))}
    True
    """
    return {int(site): (labware, kind) for site, labware, kind in _NOTE.findall(answer)}
