"""Drives a running server with Authlib.

    drive.py prepare FOLDER     make a key and write a declarative file that registers its public half
    drive.py run FOLDER ISSUER  drive the server
"""

import json
import re
import secrets
import sys
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

REDIRECT_URI = "http://127.0.0.1:9876/callback"
WEB = ("library-web", "published-test-secret-of-library-web")
SECRET_JWT = ("library-jwt", "published-test-secret-of-library-jwt")
KEY_JWT = "library-key"
USER = {"username": "alice", "password": "correct horse battery staple"}


def prepare(folder: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})
    private = folder / "library-key.pem"
    private.touch(mode=0o600)
    private.write_bytes(key.as_pem(private=True))
    (folder / "library-key.kid").write_text(key.kid)
    members = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.as_dict(private=False).items() if name != "key_ops")
    (folder / "library-key.toml").write_text(
        f"""[[client]]
client_id = "{KEY_JWT}"
client_name = "Third-party library with a key of its own"
grant_types = ["client_credentials"]
response_types = []
token_endpoint_auth_method = "private_key_jwt"
allow_endpoint_audience = true
scope = "library:read"
jwks = {{ keys = [{{ {members} }}] }}
"""
    )


def walk(url: str) -> str:
    """What a browser and its user do until the client is called back."""
    browser = requests.Session()
    answer = browser.get(url, allow_redirects=False)
    for _ in range(20):
        if answer.is_redirect:
            url = urljoin(url, answer.headers["location"])
            if url.startswith(REDIRECT_URI):
                return url
            answer = browser.get(url, allow_redirects=False)
            continue
        found = next((f for f in forms(answer.text) if "username" in f["fields"] or "consent-approve" in f["buttons"]), None)
        if found is None:
            raise AssertionError(f"stuck at {url} ({answer.status_code}): {' '.join(answer.text.split())[:300]}")
        fields = found["fields"]
        if "username" in fields:
            fields.update(USER)
        else:
            name, value = found["buttons"]["consent-approve"]
            fields[name] = value
        url = urljoin(url, found["action"])
        parts = urlsplit(url)
        origin = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"}
        answer = browser.post(url, data=fields, headers=origin, allow_redirects=False)
    raise AssertionError("sent round in circles")


def forms(page: str) -> list:
    def attribute(tag: str, name: str) -> str:
        found = re.search(rf"\s{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", tag, re.I)
        return unescape(next(group for group in found.groups() if group is not None)) if found else ""

    result = []
    for text in re.findall(r"<form\b[^>]*>.*?</form>", page, re.I | re.S):
        form = {"action": attribute(text[: text.index(">") + 1], "action"), "fields": {}, "buttons": {}}
        for tag in re.findall(r"<(?:input|button)\b[^>]*>", text, re.I):
            kind = attribute(tag, "type") or ("submit" if tag.lower().startswith("<button") else "text")
            if kind == "submit":
                form["buttons"][attribute(tag, "id")] = (attribute(tag, "name"), attribute(tag, "value"))
            elif kind not in ("checkbox", "radio"):
                form["fields"][attribute(tag, "name")] = attribute(tag, "value")
        result.append(form)
    return result


class Steps:
    """Each method is a step; they run in this order."""

    def __init__(self, folder: Path, issuer: str) -> None:
        self.folder = folder
        self.issuer = issuer

    def discovery(self) -> None:
        self.metadata = requests.get(f"{self.issuer}/.well-known/openid-configuration").json()
        assert self.metadata["issuer"] == self.issuer
        self.keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"]).json())

    def authorization_code_with_pkce(self) -> None:
        self.session = OAuth2Session(
            *WEB,
            token_endpoint_auth_method="client_secret_basic",
            redirect_uri=REDIRECT_URI,
            scope="openid profile email offline_access",
            code_challenge_method="S256",
            token_endpoint=self.metadata["token_endpoint"],
        )
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, prompt="consent"
        )
        self.token = self.session.fetch_token(
            self.metadata["token_endpoint"], authorization_response=walk(url), state=state, code_verifier=verifier
        )
        claims = jwt.decode(self.token["id_token"], self.keys, algorithms=["RS256"]).claims
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": WEB[0]},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        ).validate(claims)

    def userinfo(self) -> None:
        claims = self.session.get(self.metadata["userinfo_endpoint"]).json()
        assert claims["preferred_username"] == "alice", claims

    def refresh(self) -> None:
        old = dict(self.token)
        self.token = self.session.refresh_token(self.metadata["token_endpoint"], refresh_token=old["refresh_token"])
        assert self.token["access_token"] != old["access_token"]

    def revocation(self) -> None:
        answer = self.session.revoke_token(self.metadata["revocation_endpoint"], token=self.token["refresh_token"], token_type_hint="refresh_token")
        assert answer.status_code == 200, answer.text

    def client_credentials(self) -> None:
        session = OAuth2Session(*WEB, token_endpoint_auth_method="client_secret_basic", scope="library:read")
        token = session.fetch_token(self.metadata["token_endpoint"], grant_type="client_credentials")
        claims = jwt.decode(token["access_token"], self.keys, algorithms=["RS256"]).claims
        assert claims["client_id"] == WEB[0], claims

    def client_secret_jwt(self) -> None:
        endpoint = self.metadata["token_endpoint"]
        session = OAuth2Session(*SECRET_JWT, token_endpoint_auth_method=ClientSecretJWT(endpoint), scope="library:read")
        assert session.fetch_token(endpoint, grant_type="client_credentials")["access_token"]

    def private_key_jwt(self) -> None:
        endpoint = self.metadata["token_endpoint"]
        key = (self.folder / "library-key.pem").read_bytes()
        header = {"alg": "RS256", "kid": (self.folder / "library-key.kid").read_text()}
        for method in (
            PrivateKeyJWT(endpoint, headers=header),
            # RFC 7523bis: the issuer is the one audience.
            PrivateKeyJWT(endpoint, claims={"aud": self.issuer}, headers=header),
        ):
            session = OAuth2Session(KEY_JWT, key, token_endpoint_auth_method=method, scope="library:read")
            assert session.fetch_token(endpoint, grant_type="client_credentials")["access_token"]


def run(folder: Path, issuer: str) -> int:
    steps, failed = Steps(folder, issuer), 0
    for name, step in [(name, getattr(steps, name)) for name in vars(Steps) if not name.startswith("_")]:
        title = name.replace("_", " ")
        try:
            step()
            print(f"ok Authlib: {title}", flush=True)
        except Exception as error:  # every failure is a result here
            failed += 1
            print(f"FAILED Authlib: {title}: {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare", folder]:
            prepare(Path(folder))
        case ["run", folder, issuer]:
            sys.exit(run(Path(folder), issuer))
        case _:
            sys.exit(__doc__)
