"""How answers are written: JSON with an ETag, pages, problem details."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from api.models import Page, Problem
from api.refusals import BadRequest, Refusal

ModelT = TypeVar("ModelT", bound=BaseModel)
PROBLEM = "application/problem+json"
#: What is the same when it is done twice, though it is no GET: a client may ask again after a lost connection.
REPEATABLE: dict[str, Any] = {"x-repeatable": True}
#: What every route may answer besides its own; the OpenAPI document says so.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": words, "content": {PROBLEM: {}}}
    for status, words in {
        400: "The request makes no sense", 401: "Say who you are", 403: "Not allowed", 404: "No such thing",
        408: "Too slow", 409: "Contradicts what is so", 413: "Too large", 421: "Wrong host",
        422: "Cannot be read, or cannot run as it is", 429: "Too often", 503: "The lab is not there",
    }.items()
}  # fmt: skip


def told(request: Request, answer: BaseModel | Sequence[BaseModel], status: int = 200) -> Response:
    """A model, or a list of them, as JSON; 304 when the asker has it already."""
    if isinstance(answer, BaseModel):
        body = answer.__pydantic_serializer__.to_json(answer)
    else:
        body = orjson.dumps([item.model_dump(mode="json") for item in answer])
    return told_bytes(request, body, status)


def told_bytes(request: Request, body: bytes, status: int = 200, kind: str = "application/json") -> Response:
    """Bytes with their ETag."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if request.method == "GET" and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag})
    return Response(body, status, {"etag": tag, "cache-control": "no-cache"}, kind)


def page(items: Sequence[ModelT], limit: int, after: str | None, key: Callable[[ModelT], str]) -> Page[ModelT]:
    """The part of a list behind the item whose key is `after`; raises `BadRequest` where there is none such."""
    begin = 0
    if after is not None:
        places = [place for place, item in enumerate(items) if key(item) == after]
        if not places:
            raise BadRequest(f"there is nothing {after!r} to go on after", "Begin again without `after`.")
        begin = places[0] + 1
    part = list(items[begin : begin + limit])
    return Page[Any](items=part, next=key(part[-1]) if begin + limit < len(items) else None)


def problem_bytes(refusal: Refusal) -> bytes:
    """Problem details as bytes."""
    return orjson.dumps(refusal.told())


def problem(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else {}
    return Response(problem_bytes(refusal), refusal.status, headers, PROBLEM)
