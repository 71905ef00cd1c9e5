"""The lab's signed manifest; issued anew when it says something new, or when half of its time is over."""

from dataclasses import dataclass

from api.keys import SigningKey
from labfile.lab import Lab
from protocols.ready import ready
from registry import dsse, evidence
from registry.manifest import VALID, Manifest, build, content_hash, now


@dataclass(frozen=True, slots=True)
class Issued:
    """A manifest as it goes out: its bytes, and the envelope around just these."""

    manifest: Manifest
    text: bytes
    envelope: bytes


class Issuer:
    """Issues the manifest of one lab."""

    def __init__(self, lab: Lab, key: SigningKey) -> None:
        self._lab, self._key = lab, key
        self._last: Issued | None = None

    def manifest(self) -> Issued:
        """The manifest of now; blocks. Raises `BadEvidence`."""
        shown, digest = evidence.read(self._lab.path.parent / evidence.FOLDER)
        made = build(self._lab, shown, digest, ready(), now())
        last = self._last
        same = last is not None and content_hash(last.manifest) == content_hash(made)
        if last is not None and same and made.issued < last.manifest.issued + VALID / 2:
            return last
        text = made.model_dump_json(indent=2).encode()
        envelope = dsse.seal(text, dsse.MANIFEST, self._key.public.id, self._key.sign_bytes)
        self._last = Issued(made, text, envelope)
        return self._last
