"""One request as data, and what its answer means: pure, and the same for both clients."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from api.client.refused import UNREACHABLE, LabRefused, refused, told
from api.models import Page

T = TypeVar("T")
ItemT = TypeVar("ItemT")
_FIRST_S, _LONGEST_S = 0.1, 2.0  # between two tries


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request whose answer is a `T`: a model, a list of them, text or bytes.

    One with a `key`, and one that is `repeatable`, may be sent again when its answer was lost.
    """

    method: str
    path: str
    answer: type[T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str = ""
    repeatable: bool = False

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """As httpx sends it; what was left out is not sent."""
        headers = {"idempotency-key": self.key} if self.key else {}
        content = None
        if self.body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(_given(self.body), default=dict)
        return client.build_request(self.method, self.path, params=_given(self.query), headers=headers, content=content)

    def read(self, status: int, body: bytes) -> T:
        """What came back; raises `LabRefused`. Fields that this version does not know are passed over."""
        if status >= 400:
            raise told(status, body)
        kind: Any = self.answer
        if kind is bytes:
            return cast("T", body)
        if kind is str:
            return cast("T", body.decode())
        if kind is type(None):
            return cast("T", None)
        try:
            return cast("T", _reader(kind).validate_json(body, extra="ignore"))
        except ValidationError as error:
            raise refused(
                "unreadable", f"{self.method} {self.path}: {error.error_count()} things in the answer cannot be read",
                "Is it a lab, and is its version near this client's?", status,
            ) from error  # fmt: skip

    def again(self, error: httpx.TransportError) -> bool:
        """Whether it may be sent once more after this: it changes nothing twice, or was never sent."""
        return self.repeatable or bool(self.key) or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def behind(call: "Call[Page[ItemT]]", page: Page[ItemT]) -> "Call[Page[ItemT]] | None":
    """The call for the next page; None at the end."""
    return None if page.next is None else replace(call, query={**call.query, "after": page.next})


@cache
def _reader(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


class Patience:
    """How long something is tried again, more and more seldom."""

    def __init__(self, url: str, patience_s: float) -> None:
        self._url, self._patience_s = url, patience_s
        self.renew()

    def renew(self) -> None:
        """It went well: begin again."""
        self._until, self._pause_s = time.monotonic() + self._patience_s, _FIRST_S

    def pause_s(self, error: Exception, again: bool = True) -> float:
        """How long to wait before the next try; raises `LabRefused` when there shall be none."""
        if not again or time.monotonic() + self._pause_s > self._until:
            raise unreachable(self._url, error) from error
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_S)
        return pause_s


def unreachable(url: str, error: Exception) -> LabRefused:
    """That the lab was not reached, or that nobody knows whether it was."""
    why = str(error) or type(error).__name__
    return refused(UNREACHABLE, f"{url} did not answer: {why}", "Is the lab up (`lab up`), and is the address right?")


def key_or_new(key: str | None) -> str:
    """The caller's idempotency key, or one that nobody has."""
    return key or uuid.uuid4().hex


def quoted(text: str) -> str:
    """As one part of a path."""
    return quote(text, safe="")
