"""Why something was not done, in the terms of RFC 9457: kind, sentence, remedy, and all findings at once."""

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):
    """Not done; `status` is HTTP's, `kind` a short name that programs can tell apart."""

    status = 400
    kind = "bad_request"
    title = "This cannot be done as asked"

    def __init__(self, detail: str, hint: str = "", *, problems: Sequence[Mapping[str, Any]] = (), **more: Any) -> None:
        super().__init__(detail)
        self.detail, self.hint, self.problems, self.more = detail, hint, tuple(problems), more

    def told(self) -> dict[str, Any]:
        """As problem details."""
        document = {"type": f"/problems/{self.kind}", "title": self.title, "status": self.status, "detail": self.detail}
        optional = {"hint": self.hint, "problems": list(self.problems), **self.more}
        return document | {key: value for key, value in optional.items() if value}


class BadRequest(Refusal):
    """What was asked makes no sense."""


class Unknown(Refusal):
    """Nobody knows who asks."""

    status, kind, title = 401, "unauthenticated", "Say who you are"


class Forbidden(Refusal):
    """Known, and not allowed."""

    status, kind, title = 403, "forbidden", "This is not allowed"


class Missing(Refusal):
    """There is no such thing."""

    status, kind, title = 404, "not_found", "There is no such thing"


class Conflict(Refusal):
    """It contradicts what is so, or what was said before."""

    status, kind, title = 409, "conflict", "This contradicts what is so"


class Stale(Refusal):
    """An approval that no longer stands for what would be run."""

    status, kind, title = 409, "stale_approval", "The approval does not stand for this"


class Invalid(Refusal):
    """A protocol that may not run as it is."""

    status, kind, title = 422, "invalid_protocol", "The protocol cannot run as it is"


class InvalidPlan(Refusal):
    """A plan of Bluesky's that this lab does not run as it was asked for."""

    status, kind, title = 422, "invalid_plan", "The plan cannot run as it is"


class TooMany(Refusal):
    """Too often."""

    status, kind, title = 429, "too_many", "Too many tries"


class Away(Refusal):
    """The part of the lab that would do it is not there."""

    status, kind, title = 503, "away", "The lab is not there"
