"""Secrets stay in the environment: the lab file names them, `env:NAME`, and they are read at use."""

import os
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


class SecretMissing(LookupError):
    """The environment does not hold a secret that the lab file names."""


def is_reference(text: str) -> bool:
    """Whether a text names a secret instead of being a value.

    >>> is_reference("env:LAB_DB"), is_reference("sqlite:///var/lab.db")
    (True, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def resolve(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text itself, or what the environment holds for `env:NAME`; raises `SecretMissing`.

    Call it where the value is used and do not keep what it returns.

    >>> resolve("env:LAB_DB", {"LAB_DB": "postgresql://db.lab.example/lab"})
    'postgresql://db.lab.example/lab'
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return text
    value = environment.get(match[1])
    if value is None:
        raise SecretMissing(f"'{text}' is named in the lab file, but the environment variable {match[1]} is not set.")
    return value


def _only_a_reference(text: str) -> str:
    if not is_reference(text):
        raise ValueError("must name an environment variable, never be the secret itself - write env:NAME")
    return text


#: A pydantic field (str) for a secret in the lab file or in a driver's options; give it to `resolve` at use.
Secret = Annotated[
    str,
    AfterValidator(_only_a_reference),
    WithJsonSchema({"type": "string", "pattern": f"^{_REFERENCE.pattern}$"}),
]
