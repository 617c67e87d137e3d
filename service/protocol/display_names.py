"""Checks of names of clients before users see them: nothing invisible, no change of direction, not our name."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are invisible: Hangul fillers, the empty Braille pattern."""
_IGNORABLE = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff]")
"""Invisible marks (Unicode Default_Ignorable_Code_Point) that are no format characters."""
_WORD = re.compile(r"[^\W_]+")
_EMOJI_STYLE = "\ufe0f"
_REFUSED = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Refused categories: controls, format characters (bidi controls, zero-width ones, tags), private, line separators."""
_LOOKALIKES = {
    # Cyrillic, Greek, Latin and digits → the ASCII letters that are drawn alike (from Unicode's confusables.txt); of capitals
    # those that are drawn otherwise than their small letters
    **dict(zip("авеѕіјкмнорстхуԝԛһԁӏгп", "abesljkmhopctxywqhdlrn", strict=True)),
    **dict(zip("ΖΗΜΝΥ", "zhmny", strict=True)),
    **dict(zip("αβεηικμνορτυχγω", "abenlkuvoptuxyw", strict=True)),
    **dict(zip("013456789|IilıłøđɑɡƖɩ", "oleasbtbgllllllodagll", strict=True)),
    **dict(zip("@$!€ɐĸ", "asleak", strict=True)),
}
_LETTERS = str.maketrans(_LOOKALIKES)
_OTHER_SCRIPTS = str.maketrans(
    # Armenian, Cherokee, Lisu, Coptic: those that are drawn like ASCII letters
    "օսոցհաԼՏԱ" + "ᎪᏴᏟᎠᎬᎻᏀᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃ" + "ꓐꓚꓓꓰꓝꓖꓧꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜꓮꓲ" + "ⲘⲚⲦⲀⲢⲔⲞⲤⲒ",
    "ounghalsu" + "abcdehgjklmprstvwz" + "bcdefghjklmnoprstuvwxyzal" + "mntapkocl",
)
_LATIN_LETTER = re.compile(
    r"(?:LATIN|REGIONAL INDICATOR|SQUARED|CIRCLED|PARENTHESIZED)\b.*\b(?:LETTER|CAPITAL) ([A-Z])(?: WITH .*)?$"
)
"""The Unicode name of a letter in another guise: small capitals, with a stroke or hook, in a box."""
_MOST_MARKS = 4
"""The most combining marks on one letter; more cover the lines around it."""
_SHORTEST_BEGINNING = 4
"""The fewest letters of a name of ours that no other name may begin with; shorter ones are compared as whole words only."""


def check(name: str) -> str:
    """Return ``name``. Raises ValueError for characters that are invisible or change the order of others."""
    if any(is_hidden(character) for character in name):
        raise ValueError("must not hold invisible characters, or any that change the direction of writing")
    if name and not _visible(name):
        raise ValueError("must hold something that can be seen")
    if _has_heaps(name):
        raise ValueError(f"must not heap more than {_MOST_MARKS} accents on a letter")
    return name


def shown(name: str, instead: str) -> str:
    """Return ``name`` without what ``check`` refuses; ``instead`` where nothing is left."""
    kept = " ".join("".join(character for character in name if not is_hidden(character)).split())
    if _has_heaps(kept):
        kept = "".join(character for character in kept if not _is_mark(character))
    return kept if _visible(kept) else instead


def spelled_out(text: str) -> str:
    r"""Return ``text`` for operators: invisible characters are written as ``\u202e``, except line ends and tabs."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one.encode("unicode_escape").decode() if is_hidden(one) and one not in "\n\t" else one for one in text
    )


def is_right_to_left(text: str) -> bool:
    """Whether a text has a letter of a script that is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def isolated(text: str, *, is_right_to_left_around: bool) -> str:
    """Return ``text`` for a sentence around it whose order it may not change (Unicode Standard Annex 9, section 2.4).

    It is isolated only where it has letters of the other direction.
    """
    others = ("L",) if is_right_to_left_around else ("R", "AL")
    if not any(unicodedata.bidirectional(character) in others for character in text):
        return text
    return f"\u2068{text}\u2069"


def is_hidden(character: str) -> bool:
    """Whether a character is invisible, or changes how others are displayed."""
    if character == _EMOJI_STYLE:
        return False
    return unicodedata.category(character) in _REFUSED or bool(_IGNORABLE.match(character)) or character in _BLANK


def looks_like(name: str, others: Iterable[str]) -> bool:
    """Whether users could mistake ``name`` for one of ``others``, ignoring case, blanks, accents, width and script."""
    own = _skeleton(name)
    return bool(own) and own in {_skeleton(other) for other in others}


def speaks_for(name: str, ours: str) -> bool:
    """Whether a name begins with ``ours`` or has it as whole words, in any disguise, such as "Mintmark Support"."""
    own = _skeleton(ours)
    if not own:
        return False
    if len(own) >= _SHORTEST_BEGINNING and _skeleton(name).startswith(own):
        return True
    plain = _plain(name)
    return any(_holds(own, list(map(_skeleton, _WORD.findall(text)))) for text in (plain, plain.translate(_LETTERS)))


def _holds(own: str, words: Sequence[str]) -> bool:
    return any(own == "".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, start + 6))


def _visible(name: str) -> bool:
    """Whether a name is visible. Marks alone are not: they are drawn on the text before them."""
    return any(
        not (character.isspace() or character in _BLANK or _is_mark(character) or is_hidden(character))
        for character in name
    )


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _has_heaps(name: str) -> bool:
    """Whether a letter has too many combining marks. Marks with a width of their own (Mc) do not count."""
    heap = 0
    for character in unicodedata.normalize("NFC", name):
        heap = heap + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if heap > _MOST_MARKS:
            return True
    return False


def _plain(name: str) -> str:
    """Replace letters of other scripts, and Latin ones in another guise, by the ASCII letters that they look like."""
    return "".join(map(_plain_letter, unicodedata.normalize("NFKC", name).translate(_OTHER_SCRIPTS)))


def _plain_letter(character: str) -> str:
    if character.isascii():
        return character
    found = _LATIN_LETTER.search(unicodedata.name(character, ""))
    return found[1].lower() if found else character


def _skeleton(name: str) -> str:
    """Return a name as users see it at a quick look (after Unicode Technical Standard 39, section 4)."""
    plain = unicodedata.normalize("NFKD", _plain(name).translate(_LETTERS).casefold())
    letters = "".join(character for character in plain if character.isalnum())
    return letters.translate(_LETTERS).replace("rn", "m").replace("vv", "w")
