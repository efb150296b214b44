# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which any URL and any command may give series, as JSON. Pure.

``{"series": [{"instance_id": "i-0b1c", "label": "", "points": [[1772625600, 84.0], [1772625660, null]]}]}``

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..judging.metric_source import Answer, NoAnswer

SHAPE = '{"series": [{"instance_id": "i-0b1c", "points": [[1772625600, 84.0]]}]}'


def read_series(place: str, found: Any) -> list[Answer]:
    """Read what C(place), in words, has answered.

    A point is a moment within its period (epoch seconds, or ISO 8601 in UTC unless it says otherwise) and a number;
    null is a period without a datapoint. C(instance_id) and C(label) may be left out. An answer may have C(error)
    instead, with words.

    Raises:
        NoAnswer: it has another shape, or says that it has failed.
    """
    if isinstance(found, Mapping) and found.get("error"):
        raise NoAnswer(f"{place} answered an error: {found['error']}")
    series = found.get("series") if isinstance(found, Mapping) else None
    if not isinstance(series, list) or not all(isinstance(one, Mapping) for one in series):
        raise _misshapen(place, "it has no list called series")
    return [
        Answer(
            tuple(_points(place, number, one.get("points"))),
            instance_id=str(one.get("instance_id") or ""),
            label=str(one.get("label") or ""),
        )
        for number, one in enumerate(series)
    ]


def _points(place: str, number: int, points: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(points, Sequence) or isinstance(points, str):
        raise _misshapen(place, f"series[{number}] has no list called points")
    for position, point in enumerate(points):
        where = f"series[{number}].points[{position}]"
        if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
            raise _misshapen(place, f"{where} is no pair of a time and a number")
        moment, value = point
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _misshapen(place, f"{where} has {value!r}, which is no number")
        yield _moment(place, where, moment), float(value)


def _moment(place: str, where: str, moment: Any) -> float:
    if isinstance(moment, (int, float)) and not isinstance(moment, bool):
        return float(moment)
    try:
        read = datetime.fromisoformat(str(moment))
    except ValueError:
        raise _misshapen(place, f"{where} has {moment!r}, which is no time") from None
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()


def _misshapen(place: str, words: str) -> NoAnswer:
    return NoAnswer(f"{place} answered JSON of another shape: {words}; it should be as {SHAPE}", refused=True)
