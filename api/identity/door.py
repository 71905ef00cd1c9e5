"""The door: from what was shown (a bearer token) to a principal, or nobody."""

import asyncio
import time

from sqlalchemy import Engine

from api.identity import tokens
from api.identity.oidc import Provider
from api.identity.principal import Principal, principal
from labfile.lab import Lab

#: A token is looked up again after so long: one that was revoked elsewhere is good for no longer.
KNOWN_S = 1.0
_ROOM = 4096
MAX_TOKEN = 8192  # characters; a signed token of a provider may be long


class Door:
    """Knows whoever shows a good token; asks the store at most once a second for each."""

    def __init__(self, lab: Lab, engine: Engine) -> None:
        self._lab, self._engine = lab, engine
        self._provider = None if lab.api.oidc is None else Provider(lab.api.oidc)
        self._known: dict[str, tuple[float, Principal | None]] = {}

    async def who(self, token: str) -> Principal | None:
        """The principal, or None."""
        if not token or len(token) > MAX_TOKEN:
            return None
        known = self._known.get(token)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await asyncio.to_thread(self._look_up, token)
        if len(self._known) >= _ROOM:
            self._known.clear()
        self._known[token] = (time.monotonic() + KNOWN_S, found)
        return found

    def forget(self) -> None:
        """Look everything up anew."""
        self._known.clear()

    def _look_up(self, token: str) -> Principal | None:
        if token.startswith(f"{tokens.PREFIX}_"):
            shown = tokens.look_up(self._engine, token)
            return None if shown is None else principal(self._lab, shown.principal, shown.terms, shown.id)
        if self._provider is None:
            return None
        name = self._provider.name_of(token)
        return None if name is None else principal(self._lab, name, token="oidc")  # noqa: S106 - a word, no secret
