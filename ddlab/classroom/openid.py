"""OpenID Connect at the gate: there to the provider, and back with what it says of somebody.

Discovery, state, nonce, PKCE and the signature of the token are Authlib's, which Streamlit's own login uses, too. That
login begins in a page, over a websocket, so whoever is not known yet would have to be let in to sign in; its cookie
lasts for thirty days, also without TLS, and brings everybody to the first page. Here a gate stands before all pages,
and what comes back is a seat like any other.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ddlab.classroom import cookies
from ddlab.classroom.accounts import VARIABLE, OpenId

COOKIE = "ddlab_openid"  # between going there and coming back
MINUTES = 10.0  # that it lasts
BACK = "/room/account/back"
LONGEST = 1000  # characters of where to go afterwards, which is in the cookie
PATIENCE = 10.0  # seconds that the provider may take to answer
SIGNED_BY = ("RS", "PS", "ES", "Ed")  # algorithms with a public key: no shared secret, and not "none"
NAME = "room"  # of the client, in the cookie
NEEDED = "pip install 'Authlib>=1.9,<2' 'httpx2>=2.16,<3'"  # as pyproject.toml has it

log = logging.getLogger(__name__)


class NotSignedInError(Exception):
    """Somebody came back from the provider without a proof of who it is; the text is for people."""


@dataclass(frozen=True)
class Returned:
    """The provider's claims about somebody, and where that one wanted to go."""

    claims: Mapping[str, Any]
    then: str


def refuse_missing() -> None:
    """Refuse, by a ValueError that says what to install, where the library is missing."""
    if find_spec("authlib") is None or not (find_spec("httpx2") or find_spec("httpx")):
        raise ValueError(f"{VARIABLE}: needs Authlib, which is not installed: {NEEDED}")


async def check(settings: OpenId) -> None:
    """Ask the provider for its description; raises a ValueError if it gives none, or another's."""
    refuse_missing()
    try:
        await _described(settings)
    except Exception as error:  # of the network, of TLS, of JSON
        raise ValueError(
            f"{VARIABLE}: issuer: {settings.issuer} does not describe itself at {_description(settings)}: {error}"
        ) from None


async def begin(request: Request, settings: OpenId, address: str, then: str) -> Response:
    """Send somebody to the provider; raises NotSignedInError where it does not answer."""
    request.scope["session"] = {}
    try:
        client = await _described(settings)
        there: Response = await client.authorize_redirect(request, f"{address}{BACK}")
    except Exception:
        log.warning("the provider of accounts does not answer", exc_info=True)
        raise NotSignedInError(f"The sign-in of {settings.title} does not answer. Try again in a minute.") from None
    told = {"session": request.session, "then": then if len(then) <= LONGEST else "/"}
    there.headers["Cache-Control"] = "no-store"
    there.set_cookie(
        COOKIE,
        cookies.seal(told),
        max_age=int(60 * MINUTES),
        path="/room",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return there


async def finish(request: Request, settings: OpenId) -> Returned:
    """Return what the provider says of whoever comes back; raises NotSignedInError if it proves nothing."""
    kept = cookies.unseal(request.cookies.get(COOKIE, ""), MINUTES)
    if not kept:
        raise NotSignedInError("This sign-in was begun too long ago, or in another browser. Begin again.")
    request.scope["session"] = kept["session"]
    try:
        client = await _described(settings)
        claims = await _claims(client, request, settings)
    except Exception as error:
        log.warning("a sign-in with an account failed: %s", type(error).__name__, exc_info=True)
        raise NotSignedInError(f"The sign-in of {settings.title} did not work. Begin again.") from None
    return Returned(claims, kept["then"])


def forget(answer: Response) -> Response:
    """Take the cookie of the way there away; returns the answer."""
    answer.delete_cookie(COOKIE, path="/room")
    return answer


async def _claims(client: Any, request: Request, settings: OpenId) -> Mapping[str, Any]:
    issuer, client_id = {"values": [settings.issuer]}, {"values": [settings.client_id]}
    options = {"iss": issuer | {"essential": True}, "aud": client_id | {"essential": True}}
    token = await client.authorize_access_token(request, claims_options=options)
    claims = dict(token["userinfo"])
    if client.server_metadata.get("userinfo_endpoint"):  # where most providers keep names and addresses
        more = await client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise ValueError("userinfo: is of another subject")
        claims = {**more, **claims}
    return claims


async def _described(settings: OpenId) -> Any:
    """Return a client that has read the provider's description."""
    client = _client(settings)
    told = await client.load_server_metadata()
    if told.get("issuer") != settings.issuer:
        client.server_metadata.clear()  # what is there may be mended
        raise ValueError(f"it says that it is {told.get('issuer')!r}")
    signed = [name for name in told.get("id_token_signing_alg_values_supported") or () if name.startswith(SIGNED_BY)]
    told["id_token_signing_alg_values_supported"] = signed or ["RS256"]
    return client


@lru_cache(maxsize=2)
def _client(settings: OpenId) -> Any:
    from authlib.integrations.starlette_client import OAuth

    return OAuth().register(
        NAME,
        client_id=settings.client_id,
        client_secret=settings.client_secret or None,
        server_metadata_url=_description(settings),
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": PATIENCE},
    )


def _description(settings: OpenId) -> str:
    return f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
