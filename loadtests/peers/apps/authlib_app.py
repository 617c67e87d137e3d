"""Authlib's authorization server in Flask, with SQLAlchemy on PostgreSQL, as in its guide, extended for the benchmark.

gunicorn authlib_app:app                                  serves
python authlib_app.py prepare                             makes tables, users and clients
python authlib_app.py codes|grants COUNT [ALGORITHM]      makes so many, and prints a line of JSON each: {"code"}, or
                                                          {"access_token", "refresh_token"}; ALGORITHM: of the ID token
"""

import hashlib
import json
import os
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import cache
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_query_client_func,
    create_query_token_func,
    create_revocation_endpoint,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode as OpenIDCodeBase
from flask import Flask, Response
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import Column, Integer, String, create_engine, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, scoped_session, sessionmaker

SCOPE, USERS, DAY = "read write", 1_000, 86400
METHODS = ["client_secret_post", "private_key_jwt"]
SIGNERS = {algorithm: os.environ[f"SIGNER_{algorithm}"] for algorithm in ("ES256", "RS256")}

engine = create_engine(os.environ["DATABASE_URL"], pool_size=8)
session = scoped_session(sessionmaker(bind=engine))


@cache
def signing_key(algorithm: str) -> Any:
    """Return the signing key of this process."""
    return ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)


class Base(DeclarativeBase):
    """The base of all tables."""


class User(Base):
    """A user."""

    __tablename__ = "users"
    id = Column(Integer, primary_key=True)

    def get_user_id(self) -> Any:
        """Return the id, for Authlib."""
        return self.id


class Client(Base, OAuth2ClientMixin):
    """A client."""

    __tablename__ = "clients"
    id = Column(Integer, primary_key=True)


class Code(Base, OAuth2AuthorizationCodeMixin):
    """An authorization code, which lives for longer than five minutes here, as codes are made beforehand."""

    __tablename__ = "codes"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, nullable=False)

    def is_expired(self) -> bool:
        """Whether the code has expired, for Authlib."""
        return bool(self.auth_time + DAY < time.time())


class Token(Base, OAuth2TokenMixin):
    """An access token with its refresh token."""

    __tablename__ = "tokens"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer)


class UsedAssertion(Base):
    """The jti of a client assertion, which is valid once."""

    __tablename__ = "used_assertions"
    jti = Column(String(120), primary_key=True)


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: Client) -> Any:
        return session.query(Code).filter_by(code=code, client_id=client.client_id).first()

    def delete_authorization_code(self, authorization_code: Code) -> None:
        session.delete(authorization_code)
        session.commit()

    def authenticate_user(self, authorization_code: Code) -> Any:
        return session.get(User, authorization_code.user_id)


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        token = session.query(Token).filter_by(refresh_token=refresh_token).first()
        return token if token and not token.refresh_token_revoked_at else None

    def authenticate_user(self, credential: Token) -> Any:
        return session.get(User, credential.user_id)

    def revoke_old_credential(self, credential: Token) -> None:
        credential.access_token_revoked_at = credential.refresh_token_revoked_at = int(time.time())
        session.commit()


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class OpenIDCode(OpenIDCodeBase):
    def exists_nonce(self, *_: object) -> bool:
        return False

    def resolve_client_private_key(self, client: Client) -> Any:
        return signing_key(client.id_token_signed_response_alg)

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": os.environ["ISSUER"], "aud": [client.client_id]}

    def generate_user_info(self, user: User, _: str) -> Any:
        return UserInfo(sub=str(user.id))


class PrivateKeyJwt(JWTBearerClientAssertion):
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def get_audiences(self) -> list[str]:
        return [os.environ["ISSUER"]]

    def validate_jti(self, _: object, jti: str) -> bool:
        try:
            session.execute(insert(UsedAssertion).values(jti=jti))
            session.commit()
        except IntegrityError:
            session.rollback()
            return False
        return True

    def resolve_client_public_key(self, client: Client) -> Any:
        return KeySet.import_key_set(client.jwks)


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = METHODS
    query_token = staticmethod(create_query_token_func(session, Token))

    def check_permission(self, token: Token, client: Client, _: object) -> bool:
        return bool(token.client_id == client.client_id)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": True,
            "client_id": token.client_id,
            "token_type": token.token_type,
            "scope": token.get_scope(),
            "sub": str(token.user_id),
            "iat": token.issued_at,
            "exp": token.issued_at + token.expires_in,
        }


app = Flask(__name__)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(app, create_query_client_func(session, Client), create_save_token_func(session, Token))
server.register_grant(AuthorizationCodeGrant, [OpenIDCode(), CodeChallenge(required=True)])
server.register_grant(RefreshTokenGrant)
server.register_grant(ClientCredentialsGrant)
server.register_endpoint(Introspection)
Revocation = create_revocation_endpoint(session, Token)
Revocation.CLIENT_AUTH_METHODS = METHODS
server.register_endpoint(Revocation)
server.register_client_auth_method(PrivateKeyJwt.CLIENT_AUTH_METHOD, PrivateKeyJwt())


@app.post("/token")
def token() -> Response:
    """Answer at the token endpoint (RFC 6749)."""
    return server.create_token_response()  # type: ignore[no-any-return]


@app.post("/introspect")
def introspect() -> Response:
    """Answer an introspection request (RFC 7662)."""
    return server.create_endpoint_response("introspection")  # type: ignore[no-any-return]


@app.post("/revoke")
def revoke() -> Response:
    """Answer a revocation request (RFC 7009)."""
    return server.create_endpoint_response("revocation")  # type: ignore[no-any-return]


@app.teardown_appcontext
def give_back(_: BaseException | None) -> None:
    """Return the request's connection to the pool."""
    session.remove()


def prepare() -> None:
    """Make tables, users and clients."""
    Base.metadata.create_all(engine)
    session.add_all(User() for _ in range(USERS))
    differences: dict[str, dict[str, Any]] = {
        os.environ["CLIENT_ID"]: {},
        os.environ["ASSERTING"]: {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [json.loads(os.environ["ASSERTING_KEY"])]},
        },
        **{name: {"id_token_signed_response_alg": one, "scope": f"openid {SCOPE}"} for one, name in SIGNERS.items()},
    }
    for client_id, more in differences.items():
        client = Client(client_id=client_id, client_secret=os.environ["CLIENT_SECRET"])
        client.set_client_metadata(
            {
                "grant_types": ["authorization_code", "client_credentials", "refresh_token"],
                "redirect_uris": [os.environ["REDIRECT_URI"]],
                "scope": SCOPE,
                "token_endpoint_auth_method": "client_secret_post",
                **more,
            }
        )
        session.add(client)
    session.commit()


def codes(count: int, algorithm: str) -> Iterator[dict[str, str]]:
    """Make authorization codes."""
    verifier = os.environ["VERIFIER"].encode()
    fixed = {
        "client_id": SIGNERS[algorithm] if algorithm else os.environ["CLIENT_ID"],
        "redirect_uri": os.environ["REDIRECT_URI"],
        "response_type": "code",
        "scope": f"openid {SCOPE}" if algorithm else SCOPE,
        "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "auth_time": int(time.time()),
    }
    made = [
        {**fixed, "code": secrets.token_urlsafe(36), "user_id": 1 + number % USERS, "nonce": secrets.token_urlsafe(16)}
        for number in range(count)
    ]
    session.execute(insert(Code), made)
    return ({"code": str(one["code"])} for one in made)


def tokens(count: int, _: str) -> Iterator[dict[str, str]]:
    """Make access tokens with their refresh tokens."""
    fixed = {"client_id": os.environ["CLIENT_ID"], "token_type": "Bearer", "scope": SCOPE, "expires_in": DAY}
    made = [
        {
            **fixed,
            "access_token": secrets.token_urlsafe(32)[:42],
            "refresh_token": secrets.token_urlsafe(36)[:48],
            "issued_at": int(time.time()),
            "user_id": 1 + number % USERS,
        }
        for number in range(count)
    ]
    session.execute(insert(Token), made)
    return ({name: str(one[name]) for name in ("access_token", "refresh_token")} for one in made)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        makers = {"codes": codes, "grants": tokens}
        for one in makers[sys.argv[1]](int(sys.argv[2]), "".join(sys.argv[3:])):
            print(json.dumps(one))
        session.commit()
