"""Who one is: logging in, and tokens."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api import models as m
from api.desk import identity
from api.http.answers import page, told
from api.http.asker import After, Here, Limit, MayKey, Who

router = APIRouter(prefix="/auth", tags=["identity"])


@router.post("/login", response_model=m.TokenOut)
async def login(request: Request, office: Here, said: m.Login) -> Response:
    """A person's password for a token that lasts half a day."""
    logins: identity.Logins = request.app.state.logins
    return told(request, await logins.login(office, said))


@router.get("/me", response_model=m.Me)
async def me(request: Request, office: Here, who: Who) -> Response:
    """Who asks, what they may do, and what is used of their budget."""
    return told(request, await identity.me(office, who))


@router.post("/tokens", response_model=m.TokenOut, status_code=201)
async def make_token(request: Request, office: Here, who: Who, said: m.TokenIn, key: MayKey = None) -> Response:
    """A token for oneself, or with `admin` for another; it is shown this once."""
    return told(request, await identity.make_token(office, who, said, key), 201)


@router.get("/tokens", response_model=m.Page[m.TokenInfo])
async def tokens(request: Request, office: Here, who: Who, limit: Limit = 100, after: After = None) -> Response:
    """One's own tokens; with `admin` all of them."""
    return told(request, page(await identity.list_tokens(office, who), limit, after, lambda token: token.id))


@router.delete("/tokens/{token_id}", status_code=204, response_class=Response)
async def revoke_token(office: Here, who: Who, token_id: Annotated[str, Path(max_length=32)]) -> Response:
    """Make a token worthless."""
    await identity.revoke(office, who, token_id)
    return Response(status_code=204)
