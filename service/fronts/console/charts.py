"""Small charts as paths of SVG, which need no scripts."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 600, 120
_STEPS = (1, 2, 2.5, 5, 10)


class Chart(NamedTuple):
    """The ``d`` of two SVG paths in a box of ``WIDTH`` × ``HEIGHT``, and the scale."""

    line: str
    area: str
    """The path of the area, "" like ``line`` where there is nothing to draw."""
    top: float
    """The value at the upper edge."""
    last: float | None
    """The newest value; None: unknown."""


def chart(points: Sequence[tuple[float, float | None]], begins: float, ends: float, unit: int = 1) -> Chart:
    """Return a line through (time, value) that fills the width from begin to end, without unknown values.

    The scale has a round number of the unit.
    """
    known = [(at, value) for at, value in points if value is not None]
    top = unit * _rounded_up(max((value for _, value in known), default=0.0) / unit)
    last = points[-1][1] if points else None
    if len(known) < 2:
        return Chart("", "", top, last)
    span = max(ends - begins, 1.0)
    places = [(_place((at - begins) / span, WIDTH), _place(1 - value / top, HEIGHT)) for at, value in known]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return Chart(line, f"{line}L{places[-1][0]:.1f} {HEIGHT}L{places[0][0]:.1f} {HEIGHT}Z", top, last)


def _place(share: float, length: int) -> float:
    """Return a coordinate, with a margin so that a line at the edge is not cut off."""
    return min(max(share, 0.0), 1.0) * (length - 3) + 1.5


def _rounded_up(value: float) -> float:
    """Round up to 1, 2, 2.5 or 5 times a power of ten, so that the scale rarely changes."""
    if value <= 1:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1)
    return next(step * power for step in _STEPS if step * power >= value)
