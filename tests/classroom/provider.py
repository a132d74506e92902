"""A small OpenID provider on this machine: it knows one person, whom it signs in without a question."""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "ddlab", "a secret of the client's"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class Provider:
    """What the provider says; a test changes it."""

    def __init__(self, url):
        self.issuer = url
        self.person = {"sub": "s-1", "name": "Ann Example", "email": "ann@school.example", "email_verified": True}
        self.description = {}  # that differs
        self.claims = {}  # of the token that differ
        self.key, self.algorithm = KEY, "RS256"
        self.asked, self.codes = [], {}  # paths; what was asked for with each code

    def described(self):
        ends = ("authorization", "token", "userinfo")
        told = {f"{end}_endpoint": f"{self.issuer}/{end}" for end in ends}
        told |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        return told | {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]} | self.description

    def begin(self, query):
        assert query["response_type"] == "code" and query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def token(self, form):
        asked = self.codes.pop(form["code"])
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = claims | {"sub": self.person["sub"]} | self.claims
        told = {"access_token": "for the person", "token_type": "Bearer", "expires_in": 300}
        if self.algorithm == "none":
            return told | {"id_token": ".".join((_part({"alg": "none"}), _part(claims), ""))}
        key = OctKey.import_key(SECRET) if self.algorithm == "HS256" else self.key
        return told | {"id_token": jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, key)}


def _part(tree):
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()


@contextmanager
def serve():
    """Serve a provider at a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorization":
                self.send_response(302)
                self.send_header("Location", provider.begin(query))
                self.end_headers()
            elif parts.path == "/userinfo":
                assert self.headers["Authorization"] == "Bearer for the person"
                self.tell(provider.person)
            elif parts.path == "/keys":
                self.tell({"keys": [KEY.as_dict(private=False)]})
            else:
                self.tell(provider.described())

        def do_POST(self):
            provider.asked.append(self.path)
            assert self.headers["Authorization"].startswith("Basic ")
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.tell(provider.token({name: values[0] for name, values in parse_qs(body).items()}))

        def tell(self, tree):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(tree).encode())

        def log_message(self, *told):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()
