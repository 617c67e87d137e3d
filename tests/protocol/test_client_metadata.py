"""The client metadata table: complete, without contradictions, and what the record of a client is made of."""

import pytest
from pydantic import ValidationError

from service.admin.client_input import ClientInput
from service.cli import client_options
from service.fronts.console import client_fields
from service.protocol.client_member import SAME, Shape
from service.protocol.client_metadata import REGISTERED, ROWS, ClientMetadata
from service.records.client import Client

KEPT_BESIDE = {
    *("client_id", "enabled", "generation", "created_at", "secrets", "sector_identifier", "registration"),
    *("consents_since", "later_method"),
}
"""Fields of the record that nobody writes: they are settled by what is done."""


def test_the_record_has_every_member_with_its_default() -> None:
    assert set(Client.__struct_fields__) == KEPT_BESIDE | set(ROWS)
    client = Client("x")
    defaults = {name: row.default for name, row in ROWS.items()}
    # What a record of an earlier release says by silence stays; whoever makes a client now gets more.
    assert {name: getattr(client, name) for name in ROWS} == defaults | {"auth_method": "client_secret_basic"}


def test_what_operators_write_has_every_member() -> None:
    fields = ClientInput.model_fields
    assert set(fields) == {"client_id", *ROWS}
    assert {name: fields[name].default for name in ROWS} == {name: row.default for name, row in ROWS.items()}


def test_names_in_the_views_are_one_member_each() -> None:
    flags = [client_options.flag_of(row) for row in ROWS.values()]
    authlete = [row.member.authlete for row in ROWS.values() if row.member.authlete]
    for names in (flags, authlete, [row.member.label for row in ROWS.values()]):
        assert len(set(names)) == len(names)
    assert len(REGISTERED) == sum(bool(row.member.registered) for row in ROWS.values())
    assert not [row.name for row in ROWS.values() if row.member.registered == row.name], f"say {SAME}"


def test_every_member_is_explained() -> None:
    for row in ROWS.values():
        assert row.member.help.endswith("."), row.name
        assert row.member.label, row.name
        assert client_fields.FIELDS[row.name].hint.startswith(row.member.help)


@pytest.mark.parametrize(
    ("member", "least", "most"),
    [
        ("id_token_lifetime", 1, 86_400),
        ("refresh_grace", 0, 300),
        ("code_lifetime", 1, 2_147_483_647),
        ("refresh_limit", 0, 2_147_483_647),
    ],
)
def test_numbers_have_a_least_and_a_most(member: str, least: int, most: int) -> None:
    def read(value: int) -> object:
        return getattr(ClientMetadata.model_validate({"client_id": "x", member: value}), member)

    assert (read(least), read(most)) == (least, most)
    for value in (least - 1, most + 1):
        with pytest.raises(ValidationError, match=member):
            read(value)


def test_shapes_follow_types() -> None:
    shapes = {name: ROWS[name].shape for name in ("introspect", "jwks", "contacts", "response_types", "subject_type")}
    assert list(shapes.values()) == [Shape.SWITCH, Shape.OBJECT, Shape.LIST, Shape.CHOICES, Shape.CHOICE]
