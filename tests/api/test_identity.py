"""Who asks: passwords, tokens and an OpenID Connect provider that others wrote."""

import asyncio
import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import oidc_provider_mock
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from api.identity import passwords, tokens
from api.identity.door import Door
from api.identity.oidc import Provider
from api.identity.principal import Terms
from labfile import read
from labfile.model import Oidc
from orchestrator.store.database import open_store


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'lab.db'}")


def test_passwords_are_hashed_and_checked(engine: Engine) -> None:
    passwords.set_password(engine, "technician", "a long enough one")
    assert passwords.right_password(engine, "technician", "a long enough one")
    assert not passwords.right_password(engine, "technician", "another one here")
    assert not passwords.right_password(engine, "nobody", "a long enough one")
    passwords.set_password(engine, "technician", "and now another")
    assert not passwords.right_password(engine, "technician", "a long enough one")
    for weak in ("short", "aaaaaaaaaaaaaaaaaaaa"):
        with pytest.raises(passwords.WeakPassword):
            passwords.set_password(engine, "technician", weak)
    assert b"and now another" not in Path(str(engine.url.database)).read_bytes()
    engine.dispose()


def test_tokens_expire_and_are_revoked(engine: Engine) -> None:
    token_id, token = tokens.make_token(engine, "explorer", "manager", terms=Terms(hazard_ceiling="low"))
    shown = tokens.look_up(engine, token)
    assert shown is not None
    assert (shown.principal, shown.id, shown.terms.hazard_ceiling) == ("explorer", token_id, "low")
    _, short = tokens.make_token(engine, "explorer", "manager", days=1e-9)
    time.sleep(0.001)
    assert tokens.look_up(engine, short) is None
    assert tokens.revoke(engine, token_id)
    assert not tokens.revoke(engine, token_id)
    assert tokens.look_up(engine, token) is None
    assert all("secret" not in told for told in tokens.list_tokens(engine))
    for days in (0, -1, 400):
        with pytest.raises(ValueError, match="days"):
            tokens.make_token(engine, "explorer", "manager", days=days)
    engine.dispose()


@given(st.text(max_size=100))
def test_no_text_of_strangers_is_a_token(known: Engine, text: str) -> None:
    assert tokens.look_up(known, text) is None
    assert tokens.look_up(known, f"lab_{text}") is None


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Any:
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('tokens') / 'lab.db'}")
    tokens.make_token(engine, "explorer", "manager")
    yield engine
    engine.dispose()


@pytest.fixture
def provider() -> Any:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def id_token(issuer: str, name: str, audience: str) -> str:
    """What the provider gives somebody who logs in there: the code flow, without a browser."""
    httpx.put(f"{issuer}/users/{name}", json={"userinfo": {"preferred_username": name}}).raise_for_status()
    query = {
        "client_id": audience,
        "response_type": "code",
        "scope": "openid profile",
        "redirect_uri": "http://localhost/",
    }
    where = httpx.post(f"{issuer}/oauth2/authorize", params=query, data={"sub": name}).headers["location"]
    told = httpx.post(
        f"{issuer}/oauth2/token", auth=(audience, "secret"),
        data={"grant_type": "authorization_code", "code": httpx.URL(where).params["code"],
              "redirect_uri": "http://localhost/"},
    )  # fmt: skip
    return str(told.json()["id_token"])


@pytest.mark.filterwarnings("ignore")  # of the provider's own libraries
def test_a_token_of_a_real_provider_is_taken(provider: str, lab_file: Path, engine: Engine) -> None:
    text = lab_file.read_text()
    table = f'[api.oidc]\nissuer = "{provider}"\naudience = "cell-1"\nclaim = "sub"\n\n[store]'
    lab_file.write_text(text.replace("[store]", table))
    lab = read(lab_file)
    door = Door(lab, engine)
    who = asyncio.run(door.who(id_token(provider, "technician", "cell-1")))
    assert who is not None
    assert (who.name, who.kind, "submit" in who.may) == ("technician", "person", True)
    assert asyncio.run(door.who(id_token(provider, "stranger", "cell-1"))) is None, "known there, not here"
    assert asyncio.run(door.who(id_token(provider, "technician", "another-lab"))) is None, "made for somebody else"
    engine.dispose()


def by_secret(claims: str, kid: str, secret: bytes) -> str:
    """An HS256 token by hand: the libraries rightly refuse to make one of a public key."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": kid}).encode()).rstrip(b"=").decode()
    signature = hmac.new(secret, f"{head}.{claims}".encode(), "sha256").digest()
    return f"{head}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.filterwarnings("ignore")
def test_forged_tokens_of_a_provider(provider: str) -> None:
    checked = Provider(Oidc(issuer=provider, audience="cell-1", claim="sub"))
    good = id_token(provider, "manager", "cell-1")
    assert checked.name_of(good) == "manager"
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good).get("kid", "")
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = httpx.get(httpx.get(f"{provider}/.well-known/openid-configuration").json()["jwks_uri"]).text
    forged = {
        "no signature": jwt.encode(claims, None, algorithm="none", headers={"kid": kid}),
        "another key": jwt.encode(claims, own, algorithm="RS256", headers={"kid": kid}),
        "an unknown key": jwt.encode(claims, own, algorithm="RS256", headers={"kid": "mine"}),
        "the public key as a secret": by_secret(good.split(".")[1], kid, public.encode()),
        "changed claims": ".".join([good.split(".")[0], jwt.encode(claims | {"sub": "x"}, "k" * 32).split(".")[1],
                                    good.split(".")[2]]),
        "cut": good[:-5],
        "nothing": "",
        "words": "not a token",
    }  # fmt: skip
    for what, token in forged.items():
        assert checked.name_of(token) is None, what
