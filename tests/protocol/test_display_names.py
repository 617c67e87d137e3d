"""Names that people see: what may not be in them, what is left of old ones, and which look like ours."""

import pytest

from service.protocol import display_names

HIDDEN = {
    "right-to-left override": "App\u202egnp.exe",
    "isolate": "App\u2066x\u2069",
    "Arabic letter mark": "App\u061c",
    "zero-width space": "A\u200bpp",
    "zero-width joiner": "A\u200dpp",
    "word joiner": "A\u2060pp",
    "byte order mark": "\ufeffApp",
    "soft hyphen": "A\u00adpp",
    "combining grapheme joiner": "A\u034fpp",
    "variation selector": "A\ufe00pp",
    "tag characters": "App\U000e0041",
    "line separator": "App\u2028x",
    "control": "App\x1b[2J",
    "Hangul filler": "App\u3164",
    "private use": "App\ue000",
}
HEAP = "A" + "\u0301\u0316\u0317\u0318\u0319\u031a"
BLANK = ["\u0301", " \u0301\u0489", "\u00a0", " ", "\u2003\u3000", "\u2800", "\u3164", "\t"]


@pytest.mark.parametrize("name", HIDDEN.values(), ids=HIDDEN)
def test_what_cannot_be_seen_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match="invisible"):
        display_names.check(name)
    shown = display_names.shown(name, "id")
    assert display_names.check(shown) == shown
    assert shown.startswith("App")
    spelled = display_names.spelled_out(name)
    assert spelled.isprintable(), "an operator sees that it is there"
    assert "\\" in spelled


@pytest.mark.parametrize("name", BLANK)
def test_a_name_of_blanks_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="must"):
        display_names.check(name)
    assert display_names.shown(name, "id") == "id"


@pytest.mark.parametrize(
    "name", ["App", "Müller & Söhne", "日本語アプリ", "تطبيق", "Café ❤️", "A.B/C (beta)", "नमस्ते", ""]
)
def test_names_of_every_writing_are_fine(name: str) -> None:
    assert display_names.check(name) == name
    assert display_names.shown(name, "id") == (name or "id")


def test_lines_stay_lines() -> None:
    assert display_names.spelled_out("one\ntwo\u202e") == "one\ntwo\\u202e"


@pytest.mark.parametrize(
    "name",
    [
        *("Mintmark", "MINTMARK", " mint mark ", "Mint-Mark.", "Ｍｉｎｔｍａｒｋ", "𝐌𝐢𝐧𝐭𝐦𝐚𝐫𝐤", "Míntmärk", "M1ntmark"),
        *("ᴍɪɴᴛᴍᴀʀᴋ", "🅼🅸🅽🆃🅼🅰🆁🅺", "ⓂⓘⓝⓣⓂⓐⓡⓚ", "ꓟꓲꓠꓔꓟꓮꓣꓗ", "ᎷᏆNᎢᎷᎪᎡᏦ".replace("Ꮖ", "I"), "Mịnŧmaɍk", "Мintmark"),
        *("МІNТМАRК", "ΜΙΝΤΜΑRΚ", "rnintmark", "Mintmаrk", "Mlntmark", "mıntmark", "Mιntmαrk"),
    ],
)
def test_our_own_name_is_known_in_disguise(name: str) -> None:
    assert display_names.looks_like(name, ["Mintmark"])


@pytest.mark.parametrize(("name", "ours"), [("vvatch", "Watch"), ("Watch", "vvatch"), ("Corner", "comer")])
def test_two_letters_may_look_like_one(name: str, ours: str) -> None:
    assert display_names.looks_like(name, [ours])


@pytest.mark.parametrize("name", ["Mintmark Notes", "Mint", "Watermark", "", "…"])
def test_other_names_are_not_ours(name: str) -> None:
    assert not display_names.looks_like(name, ["Mintmark", ""])


def test_accents_are_not_heaped_up() -> None:
    """They are drawn over the lines around the name."""
    with pytest.raises(ValueError, match="accents"):
        display_names.check(HEAP)
    assert display_names.shown(HEAP, "id") == "A"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Mintmark Support",
            "The M!ntm@rk Team",
            "M|ntm\u0250r\u0138",
            "Mint Mark login",
            "Mintmark-App",
            "MintmarkID",
            "The Mintmark",
            "Login by Mіntmark (new)",
        ),
        *(
            "Support @ ᴍɪɴᴛᴍᴀʀᴋ",
            "Sign in: M-i-n-t mark",
            "Your mint.mark account",
            "Mintmarket",
            "My mi-nt-m-a-rk",
            "M i n t m a r k",
        ),
    ],
)
def test_nobody_speaks_for_us(name: str) -> None:
    assert display_names.speaks_for(name, "Mintmark")


def test_four_letters_are_enough_to_begin_with() -> None:
    assert display_names.speaks_for("Mintish", "Mint")
    assert display_names.speaks_for("My min app", "Min")


def test_as_many_accents_as_any_writing_needs() -> None:
    name = "x" + "\u0316" * 4
    assert display_names.check(name) == name
    with pytest.raises(ValueError, match="accents"):
        display_names.check(name + "\u0316")
    assert display_names.check("क" + "\u093e" * 6)  # vowels of their own width


def test_operators_see_what_is_hidden_spelled_out() -> None:
    assert display_names.spelled_out("plain") == "plain"
    assert display_names.spelled_out("Zoë\t❤️") == "Zoë\t❤️"
    assert display_names.spelled_out("a\x1bb") == "a\\x1bb"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        *(("Watermark", "Mintmark"), ("Peppermint Market", "Mintmark"), ("Idea Board", "ID"), ("Acme", ""), ("", "ID")),
        *(("Mint and Mark", "Mintmark"), ("日本語アプリ", "Mintmark"), ("Mintish", "Min"), ("Peppermint", "Mint")),
        ("The Mint", "Mintmark"),
    ],
)
def test_a_part_of_a_word_is_nobody_s_name(name: str, ours: str) -> None:
    assert not display_names.speaks_for(name, ours)
