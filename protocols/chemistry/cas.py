"""CAS registry numbers: how they are written and their check digit."""

import re

_FORM = re.compile(r"([1-9][0-9]{1,6})-([0-9]{2})-([0-9])", re.ASCII)


def valid_cas(text: str) -> bool:
    """Whether a text is a CAS number with the right check digit.

    The digits before the last one, counted from the right and each times its place, add up to the check digit modulo
    ten (Chemical Abstracts Service, "Check digit verification of CAS registry numbers").

    >>> valid_cas("7732-18-5"), valid_cas("7732-18-6"), valid_cas("water")
    (True, False, False)
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return False
    digits = reversed(match[1] + match[2])
    return sum(place * int(digit) for place, digit in enumerate(digits, 1)) % 10 == int(match[3])
