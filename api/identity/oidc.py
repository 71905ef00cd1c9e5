"""Tokens of an OpenID Connect provider (`[api.oidc]`): signed by its keys, made for this lab, not expired."""

import json
import threading
import time
import urllib.request
from typing import Any

import jwt
from jwt import PyJWK, PyJWTError

from labfile.model import Oidc

#: Asymmetric only: with a symmetric one the provider's public key would be the secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
KEYS_LAST_S = 3600.0
ASK_AGAIN_S = 10.0  # at the soonest, however many unknown keys are shown
_TIMEOUT_S = 5.0
_MAX_BYTES = 1_000_000


class Provider:
    """One provider. Its keys are fetched when they are first needed, and again when an unknown one is shown."""

    def __init__(self, settings: Oidc) -> None:
        self._settings = settings
        self._keys: dict[str, PyJWK] = {}
        self._fetched = 0.0
        self._fetching = threading.Lock()

    def name_of(self, token: str) -> str | None:
        """The name that the token proves; None for one that proves nothing. Blocks while keys are fetched."""
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                return None
            claims = jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=self._settings.audience, issuer=self._settings.issuer,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )  # fmt: skip
        except (PyJWTError, OSError, ValueError):
            return None
        name = claims.get(self._settings.claim)
        return name if isinstance(name, str) else None

    def _key(self, kid: str) -> PyJWK | None:
        age = time.monotonic() - self._fetched
        if age > KEYS_LAST_S or (kid and kid not in self._keys and age > ASK_AGAIN_S) or not self._fetched:
            with self._fetching:
                self._fetch()
        if not kid and len(self._keys) == 1:  # a provider with one key need not name it (RFC 7515, 4.1.4)
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _fetch(self) -> None:
        self._fetched = time.monotonic()
        about = _get(self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if about.get("issuer") != self._settings.issuer:
            raise ValueError(f"the provider calls itself {about.get('issuer')!r}, not {self._settings.issuer!r}")
        found = _get(about["jwks_uri"]).get("keys", [])
        signing = [key for key in found if key.get("use", "sig") == "sig"]
        self._keys = {key.get("kid", ""): PyJWK(key) for key in signing}


def _get(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url} is no web address")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the scheme is checked above
        told: dict[str, Any] = json.loads(answer.read(_MAX_BYTES))
    return told
