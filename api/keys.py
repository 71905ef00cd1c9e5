"""The lab's own key (Ed25519): signs approvals, heads of the audit trail and the manifest. It never leaves its file."""

import base64
import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from labfile.lab import Lab


class KeyFileError(Exception):
    """The key's file cannot be used; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Checks what the lab signed."""

    raw: Ed25519PublicKey

    @property
    def id(self) -> str:
        """The first 16 hex digits of the sha256 of the key's 32 bytes."""
        return hashlib.sha256(self.raw.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]

    @property
    def pem(self) -> str:
        """The key, to be given to whoever shall check signatures."""
        return self.raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def signed(self, document: Mapping[str, Any], signature: str) -> bool:
        """Whether `signature` (base64) is this key's over the document's canonical JSON (RFC 8785)."""
        return self.signed_bytes(rfc8785.dumps(dict(document)), signature)

    def signed_bytes(self, data: bytes, signature: str) -> bool:
        """Whether `signature` (base64) is this key's over the bytes."""
        try:
            self.raw.verify(base64.b64decode(signature, validate=True), data)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs for the lab."""

    _raw: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The half that everyone may have."""
        return PublicKey(self._raw.public_key())

    def sign(self, document: Mapping[str, Any]) -> str:
        """The signature (base64) over a document's canonical JSON."""
        return self.sign_bytes(rfc8785.dumps(dict(document)))

    def sign_bytes(self, data: bytes) -> str:
        """The signature (base64) over bytes."""
        return base64.b64encode(self._raw.sign(data)).decode()


def key_of(lab: Lab) -> SigningKey:
    """The lab's key, made when there is none yet; its public half lies beside it as `.pub`. Raises `KeyFileError`."""
    path = (lab.path.parent / lab.api.signing_key).resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            _make(path)
        raw = load_pem_private_key(path.read_bytes(), password=None)
        readable = path.stat().st_mode & 0o077
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {error}. [api] signing_key names a PEM file with an Ed25519 key") from error
    if not isinstance(raw, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds no Ed25519 key. Name another file in [api] signing_key")
    if readable:
        raise KeyFileError(f"{path} can be read by others; chmod 600 it")
    key = SigningKey(raw)
    public = path.with_name(path.name + ".pub")
    with contextlib.suppress(OSError):
        if not public.exists():
            public.write_text(key.public.pem)
    return key


def read_public(path: Path) -> PublicKey:
    """A public key from its PEM file; raises `KeyFileError`."""
    try:
        raw = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {error}") from error
    if not isinstance(raw, Ed25519PublicKey):
        raise KeyFileError(f"{path} holds no Ed25519 key")
    return PublicKey(raw)


def _make(path: Path) -> None:
    """Written whole and linked into place: two who start at once get the same key."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
