"""The grant types: one file each, and the list. A grant type decides who allowed which client what; ``tokens`` mints.

Issued grants are elsewhere: ``records/grant.py`` has their contents, ``store/grants.py`` keeps them.

To add one: a file with its ``GRANT_TYPE``, and its name in the list below.
"""

from service.grants import (
    authorization_code,
    ciba,
    client_credentials,
    device_code,
    jwt_bearer,
    password,
    refresh_token,
    token_exchange,
)
from service.grants.grant_type import GrantType

GRANT_TYPES: dict[str, GrantType] = {
    module.GRANT_TYPE.name: module.GRANT_TYPE
    for module in (
        authorization_code,
        ciba,
        client_credentials,
        device_code,
        jwt_bearer,
        password,
        refresh_token,
        token_exchange,
    )
}
"""Every grant type by its registered name; discovery, registration checks and metric labels derive from it."""

__all__ = ["GRANT_TYPES", "GrantType"]
