"""The servers that Mintmark is compared with: each has one file and one line in the list.

Their own programs are in ``node/`` and ``apps/``.
"""

from loadtests.peers.authlib_flask import AUTHLIB
from loadtests.peers.django_oauth_toolkit import DJANGO_OAUTH_TOOLKIT
from loadtests.peers.keycloak import KEYCLOAK
from loadtests.peers.node_oidc_provider import PIPELINING, PLAIN

PEERS = {peer.name: peer for peer in (PLAIN, PIPELINING, KEYCLOAK, DJANGO_OAUTH_TOOLKIT, AUTHLIB)}
"""The peers by name, in the order of the table."""
