"""Who asks, and of which office."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.identity.principal import Principal
from api.models import World
from api.office import Office
from api.refusals import Unknown

_SCHEME = HTTPBearer(auto_error=False, description="`lab_...`, from POST /api/v1/auth/login or `lab token make`")
_Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]
NOBODY = Unknown(
    "no token, or one that is not good (any more)",
    "Send `Authorization: Bearer lab_...`; `lab token make NAME` makes one, and so does POST /api/v1/auth/login.",
)


def office_of(connection: HTTPConnection) -> Office:
    """The office that this server is the front of."""
    office: Office = connection.app.state.office
    return office


async def who(shown: _Shown, office: "Here") -> Principal:
    """The principal whose token was shown; raises `Unknown`."""
    found = await office.door.who(shown.credentials) if shown is not None else None
    if found is None:
        raise NOBODY
    return found


def which(office: "Here", world: World | None = None) -> str:
    """The world that was asked for, else the one that is served."""
    return world or office.world


Here = Annotated[Office, Depends(office_of)]
Who = Annotated[Principal, Depends(who)]
InWorld = Annotated[str, Depends(which)]
RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[str | None, Query(max_length=200)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
MayKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
