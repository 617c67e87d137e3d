"""Names that strangers give themselves, before people see them: nothing invisible, nothing that turns text around, not ours."""

import re
import unicodedata
from collections.abc import Iterable

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing: Hangul fillers, the empty Braille pattern."""
_IGNORABLE = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff]")
"""Marks without a shape of their own (Unicode Default_Ignorable_Code_Point) that are no format characters."""
_EMOJI_STYLE = "\ufe0f"
_REFUSED = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories: controls, format characters (bidi controls, zero-width ones, tags), private, line separators."""
_LOOKALIKES = {
    # Cyrillic, Greek, Latin and digits → the ASCII letters that are drawn alike (from Unicode's confusables.txt)
    **dict(zip("АВЕЅІЈКМНОРСТХУԜԚ", "abesljkmhopctxywq", strict=True)),
    **dict(zip("авеѕіјкмнорстхуԝԛһԁӏгп", "abesljkmhopctxywqhdlrn", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhlkmnoptyx", strict=True)),
    **dict(zip("αβεηικμνορτυχγω", "abenlkuvoptuxyw", strict=True)),
    **dict(zip("013456789|IilıłøđɑɡƖɩ", "oleasbtbgllllllodagll", strict=True)),
}
_LETTERS = str.maketrans(_LOOKALIKES)


def check(name: str) -> str:
    """``name`` itself. Raises ValueError for what a person could not see, or would see in another order."""
    if any(is_hidden(character) for character in name):
        raise ValueError("must not hold invisible characters, or any that change the direction of writing")
    if name and not _visible(name):
        raise ValueError("must hold something that can be seen")
    return name


def shown(name: str, instead: str) -> str:
    """``name`` as it may be shown: without what ``check`` refuses; ``instead`` where nothing is left."""
    kept = " ".join("".join(character for character in name if not is_hidden(character)).split())
    return kept if _visible(kept) else instead


def spelled_out(text: str) -> str:
    """``text`` with what cannot be seen written as ``\\u202e``, line ends and tabs apart: for operators, who should see it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one.encode("unicode_escape").decode() if is_hidden(one) and one not in "\n\t" else one for one in text
    )


def is_hidden(character: str) -> bool:
    """Whether a character has no shape, or changes how others are read."""
    if character == _EMOJI_STYLE:
        return False
    return unicodedata.category(character) in _REFUSED or bool(_IGNORABLE.match(character)) or character in _BLANK


def looks_like(name: str, others: Iterable[str]) -> bool:
    """Whether people would take ``name`` for one of ``others``: alike but for case, blanks, accents, width and script."""
    own = _skeleton(name)
    return bool(own) and own in {_skeleton(other) for other in others}


def _visible(name: str) -> bool:
    return any(not character.isspace() and character not in _BLANK for character in name)


def _skeleton(name: str) -> str:
    """What is left of a name for a quick look (after Unicode Technical Standard 39, section 4)."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).translate(_LETTERS).casefold())
    letters = "".join(character for character in plain if character.isalnum())
    return letters.translate(_LETTERS).replace("rn", "m").replace("vv", "w")
