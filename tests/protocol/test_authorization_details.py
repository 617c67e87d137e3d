"""authorization_details as JSON: bounds, narrowing, locations, and what people read of it (RFC 9396)."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from service.protocol.authorization_details import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DETAILS,
    Detail,
    concerning,
    facts_of,
    filled,
    is_within,
    parse,
    words_of,
)
from service.protocol.errors import InvalidAuthorizationDetails


def nested(levels: int) -> str:
    return '[{"type":"x","y":' + "[" * levels + "]" * levels + "}]"


def padded(size: int) -> str:
    text = '[{"type":"x","y":""}]'
    return text.replace('""', '"' + "y" * (size - len(text)) + '"')


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(padded(MAX_BYTES), id="as large as may be"),
        pytest.param(nested(MAX_DEPTH - 1), id="as deep as may be"),
        pytest.param(json.dumps([{"type": "x"}] * MAX_DETAILS), id="as many as may be"),
        pytest.param(
            '[{"type":"x","amount":1.5,"whole":9007199254740991,"yes":true,"none":null}]', id="every kind of value"
        ),
        pytest.param('[{"type":"x","name":"Jos\\u00e9 \\ud83d\\ude00"}]', id="a surrogate pair"),
    ],
)
def test_what_is_read(text: str) -> None:
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(padded(MAX_BYTES + 1), id="a byte too long"),
        pytest.param('[{"type":"x","y":"' + "é" * (MAX_BYTES // 2) + '"}]', id="few characters of many bytes"),
        pytest.param(nested(MAX_DEPTH), id="a level too deep"),
        pytest.param("[" * 2000 + "]" * 2000, id="2000 arrays"),
        pytest.param('[{"type":"x","y":' + '{"y":' * 600 + "1" + "}" * 600 + "}]", id="600 objects"),
        pytest.param(json.dumps([{"type": "x"}] * (MAX_DETAILS + 1)), id="one too many"),
        pytest.param('[{"type":"x","y":[' + ",".join(["1e15"] * 700) + "]}]", id="short numbers that are written long"),
        pytest.param("", id="nothing"),
        pytest.param("[]", id="no object"),
        pytest.param("null", id="null"),
        pytest.param('{"type":"x"}', id="an object without array"),
        pytest.param('"x"', id="a string"),
        pytest.param("[1]", id="a number in the array"),
        pytest.param('[{"type":"x"},null]', id="null in the array"),
        pytest.param('[[{"type":"x"}]]', id="an array in the array"),
        pytest.param('[{"actions":["read"]}]', id="without a type"),
        pytest.param('[{"type":""}]', id="an empty type"),
        pytest.param('[{"type":["x"]}]', id="a list as type"),
        pytest.param('[{"type":7}]', id="a number as type"),
        pytest.param('[{"type":"x","type":"payment"}]', id="two types"),
        pytest.param('[{"type":"x","y":{"amount":1,"amount":1000}}]', id="a name twice within"),
        pytest.param('[{"type":"x","\\u0061":1,"a":2}]', id="a name twice, once escaped"),
        pytest.param('[{"type":"x","actions":"read"}]', id="actions no list"),
        pytest.param('[{"type":"x","locations":[1]}]', id="locations no strings"),
        pytest.param('[{"type":"x","y":NaN}]', id="NaN"),
        pytest.param('[{"type":"x","y":-Infinity}]', id="Infinity"),
        pytest.param('[{"type":"x","y":1e999}]', id="too large a number"),
        pytest.param('[{"type":"x","y":9007199254740992}]', id="a number that loses digits"),
        pytest.param('[{"type":"x","y":' + "9" * 4000 + "}]", id="a number of 4000 digits"),
        pytest.param('[{"type":"x","y":"\\ud800"}]', id="an unpaired surrogate"),
        pytest.param('[{"type":"x","\\ud800":1}]', id="an unpaired surrogate in a name"),
        pytest.param('[{"type":"\ud800"}]', id="an unpaired surrogate as it is"),
        pytest.param("[{'type':'x'}]", id="Python"),
        pytest.param('[{"type":"x"}] x', id="something behind"),
        pytest.param('[{"type":"x",}]', id="a comma too many"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidAuthorizationDetails) as refused:
        parse(text)
    assert refused.value.description


ACCOUNT = {
    "type": "account",
    "actions": ["read", "list"],
    "locations": ["https://a.example"],
    "account": {"iban": "DE1"},
}


@pytest.mark.parametrize(
    ("changes", "within"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"actions": ["read"]}, True, id="fewer actions"),
        pytest.param({"actions": ["list", "read"]}, True, id="another order"),
        pytest.param({"actions": ["read", "read"]}, True, id="one twice"),
        pytest.param({"actions": ["read", "write"]}, False, id="another action"),
        pytest.param({"actions": []}, False, id="no actions may mean all"),
        pytest.param({"actions": None}, False, id="without actions may mean all"),
        pytest.param({"datatypes": ["x"]}, False, id="a list that was not there"),
        pytest.param({"locations": ["https://b.example"]}, False, id="another location"),
        pytest.param({"account": {"iban": "DE2"}}, False, id="another account"),
        pytest.param({"account": {}}, False, id="any account"),
        pytest.param({"type": "payment"}, False, id="another type"),
        pytest.param({"more": True}, False, id="a further member"),
    ],
)
def test_narrowing(changes: dict[str, Any], within: bool) -> None:
    asked = {name: value for name, value in (ACCOUNT | changes).items() if value is not None}
    assert is_within([asked], [{"type": "other"}, ACCOUNT]) is within


PAYMENT = {"type": "payment", "amount": "5.00"}
READ, LIST, BOTH = ({"type": "account", "actions": list(actions)} for actions in (["read"], ["list"], ["read", "list"]))


@pytest.mark.parametrize(
    ("asked", "held", "within"),
    [
        pytest.param([PAYMENT] * 2, [PAYMENT], False, id="a payment twice"),
        pytest.param([PAYMENT] * 2, [PAYMENT, READ], False, id="twice in the place of another"),
        pytest.param([PAYMENT] * MAX_DETAILS, [PAYMENT] * MAX_DETAILS, True, id="as often as held"),
        pytest.param([READ, LIST], [BOTH], False, id="a detail in two halves"),
        pytest.param([READ, BOTH], [BOTH, READ], True, id="the broader one is left to who needs it"),
        pytest.param([READ, BOTH, LIST], [BOTH, LIST, READ], True, id="moved twice"),
        pytest.param([READ, READ, LIST], [READ, LIST, BOTH], True, id="the broader one for the second"),
        pytest.param([READ, READ, LIST], [READ, LIST, LIST], False, id="no place for the second"),
    ],
)
def test_each_that_is_held_counts_once(asked: list[Detail], held: list[Detail], within: bool) -> None:
    assert is_within(asked, held) is within


lists_of_details = some.lists(
    some.sets(some.sampled_from("abc"), min_size=1).map(lambda actions: {"type": "x", "actions": sorted(actions)}),
    max_size=4,
)


@given(asked=lists_of_details, held=lists_of_details)
def test_matching_is_as_trying_every_order(asked: list[Detail], held: list[Detail]) -> None:
    orders = permutations(held, len(asked))
    fits = any(
        all({*one["actions"]} <= {*other["actions"]} for one, other in zip(asked, order, strict=False))
        for order in orders
    )
    assert is_within(asked, held) is fits


def test_true_and_one_are_not_the_same() -> None:
    held: list[Detail] = [{"type": "x", "limit": 1, "deep": [{"on": True}]}]
    assert is_within([{"type": "x", "deep": [{"on": True}], "limit": 1}], held)
    assert not is_within([{"type": "x", "limit": True, "deep": [{"on": True}]}], held)
    assert not is_within([{"type": "x", "limit": 1, "deep": [{"on": 1}]}], held)


def test_locations_say_whom_a_detail_is_for() -> None:
    """RFC 9396 section 9.1: the resource server itself, or something below it; never one that is only called alike."""
    here = {"type": "x", "locations": ["https://a.example/accounts", "https://b.example"]}
    everywhere = {"type": "y"}
    assert concerning([here, everywhere], ["https://a.example"]) == [here, everywhere]
    assert concerning([here, everywhere], ["https://b.example/"]) == [everywhere]
    assert concerning([here, everywhere], ["https://b.example"]) == [here, everywhere]
    assert concerning([here, everywhere], ["https://a.example.evil"]) == [everywhere]
    assert concerning([here, everywhere], ["https://a.exampl"]) == [everywhere]


def test_every_value_is_shown() -> None:
    detail = {
        "type": "payment",
        "amount": {"value": 12.5, "currency": "EUR"},
        "items": [{"name": "tea"}, {"name": "rose\u202etxt"}],
        "tags": ["a", 1, None],
        "urgent": True,
        "until": None,
        "rest": {},
    }
    assert [(".".join(path), value) for path, value in facts_of(detail)] == [
        ("amount.value", "12.5"),
        ("amount.currency", "EUR"),
        ("items.name", "tea"),
        ("items.name", "rose\\u202etxt"),
        ("tags", "a, 1, null"),
        ("urgent", True),
        ("until", "–"),
        ("rest", "–"),
    ]


def test_words_about_it() -> None:
    detail = {
        "type": "x",
        "amount": "{creditor}",
        "creditor": "Ann",
        "creditor.name": "Eve",
        "items": [{"n": "a"}, {"n": "b"}],
    }
    assert filled("Pay {amount} to {creditor}: {items.n}, {nothing}", detail) == "Pay {creditor} to Ann: a, b, –"
    twice = {"type": "x", "creditor.name": "Eve", "creditor": {"name": "Ann"}}
    assert filled("to {creditor.name}", twice) == "to Ann", "a name with a dot is none further within"
    assert filled("to {creditor.name}", {"type": "x", "creditor.name": "Eve"}) == "to –"
    assert words_of(("creditorAccount", "iban_number")) == "Creditor account: iban number"
    assert words_of(("creditorAccount.iban",)) == "Creditor account.iban"
    assert words_of(("a\u202eb",)) == "A\\u202eb"
