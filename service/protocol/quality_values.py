"""What a client would rather get, as its headers weigh it (proactive negotiation, RFC 9110 section 12)."""

import re
from collections.abc import Iterable

_LONGEST = 1000
"""The most characters of such a header that are read."""
_WEIGHT = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)


def quality_values(lines: Iterable[str]) -> dict[str, float]:
    """Return what a header names, as it is written, and the weight of each (RFC 9110 section 12.4.2).

    Args:
        lines: Every line of the header, which count as one (section 5.3).

    Returns:
        1 for the most wanted and for what has no weight, 0 for what is not acceptable. A malformed weight names nothing.
    """
    found = {}
    for member in ",".join(lines)[:_LONGEST].split(","):
        name, *parameters = [part.strip() for part in member.split(";")]
        weight = next((text[2:] for text in parameters if text[:2].lower() == "q="), "1")
        if name and _WEIGHT.fullmatch(weight):
            found[name] = float(weight)
    return found


def media_types(lines: Iterable[str]) -> dict[str, float]:
    """Return the media types of an Accept header, in lower case, with their weights (RFC 9110 section 12.5.1)."""
    return quality_values(line.lower() for line in lines)
