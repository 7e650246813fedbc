"""Patterns of dates and times as Joda-Time has them, as far as they are made of digits, offsets and fixed text.

Source: org.joda.time.format.DateTimeFormat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
TOKEN: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)", re.DOTALL)
OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
HALVES: Final = ("AM", "PM")

#: By name, what a field of a time is; of these a column can be derived.
FIELDS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "year": lambda time: time.year,
    "yearOfEra": lambda time: time.year,
    "yearOfCentury": lambda time: time.year % 100,
    "centuryOfEra": lambda time: time.year // 100,
    "monthOfYear": lambda time: time.month,
    "weekyear": lambda time: time.isocalendar().year,
    "weekOfWeekyear": lambda time: time.isocalendar().week,
    "dayOfYear": lambda time: time.timetuple().tm_yday,
    "dayOfMonth": lambda time: time.day,
    "dayOfWeek": lambda time: time.isoweekday(),
    "halfdayOfDay": lambda time: time.hour // 12,
    "hourOfHalfday": lambda time: time.hour % 12,
    "clockhourOfHalfday": lambda time: time.hour % 12 or 12,
    "hourOfDay": lambda time: time.hour,
    "clockhourOfDay": lambda time: time.hour or 24,
    "minuteOfDay": lambda time: time.hour * 60 + time.minute,
    "minuteOfHour": lambda time: time.minute,
    "secondOfDay": lambda time: (time.hour * 60 + time.minute) * 60 + time.second,
    "secondOfMinute": lambda time: time.second,
    "millisOfDay": lambda time: ((time.hour * 60 + time.minute) * 60 + time.second) * 1000 + time.microsecond // 1000,
    "millisOfSecond": lambda time: time.microsecond // 1000,
}
#: Letters of a pattern that are fields in digits.
LETTERS: Final[Mapping[str, str]] = {
    "y": "year",
    "Y": "yearOfEra",
    "M": "monthOfYear",
    "d": "dayOfMonth",
    "D": "dayOfYear",
    "e": "dayOfWeek",
    "w": "weekOfWeekyear",
    "x": "weekyear",
    "H": "hourOfDay",
    "k": "clockhourOfDay",
    "K": "hourOfHalfday",
    "h": "clockhourOfHalfday",
    "m": "minuteOfHour",
    "s": "secondOfMinute",
    "S": "millisOfSecond",
}
READ: Final = frozenset("yYMdHkKhmsSaZ")  #: letters that can be read, and not only written


class NoPattern(ValueError):
    """A pattern has what is not understood."""


class Pattern:
    """A pattern, compiled."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        """Compile a pattern.

        Args:
            text: The pattern.
            zone: Of times that are written, and of those that are read without an offset.

        Raises:
            NoPattern: It has a letter that is not understood.
        """
        self.text = text
        self.zone = zone
        self._tokens = list(tokens(text))
        self._regex = re.compile("".join(regex_of(*token) for token in self._tokens))
        self._readable = all(not letter or letter in READ for letter, _ in self._tokens)

    def write(self, millis: int) -> str:
        """Return a time, in milliseconds since 1970, as a text."""
        time = at(millis, self.zone)
        return "".join(written(letter, part, time) for letter, part in self._tokens)

    def read(self, text: str) -> int:
        """Return the time that a text says, in milliseconds since 1970.

        Raises:
            ValueError: It is not as the pattern wants it, or there is no such time.
        """
        match = self._regex.fullmatch(text.strip())
        if match is None or not self._readable:
            raise ValueError(f"a time as {self.text}")
        letters = [letter for letter, _ in self._tokens if letter]
        parts = dict(zip(letters, match.groups(), strict=True))
        try:
            time = datetime(
                year_in(parts),
                int(parts.get("M", 1)),
                int(parts.get("d", 1)),
                hour_in(parts),
                int(parts.get("m", 0)),
                int(parts.get("s", 0)),
                int(parts.get("S", "0")[:3].ljust(3, "0")) * 1000,
                offset_in(parts["Z"]) if "Z" in parts else self.zone,
            )
            return (time - EPOCH) // MILLISECOND
        except (ValueError, OverflowError):
            raise ValueError("a time that there is") from None


def at(millis: int, zone: tzinfo) -> datetime:
    """Return a moment as the calendar of a zone has it.

    Raises:
        ValueError: It is before the year 1, or after 9999.
    """
    try:
        return (EPOCH + timedelta(milliseconds=millis)).astimezone(zone)
    except OverflowError:
        raise ValueError("a time from the year 1 to 9999") from None


def zone_of(name: str) -> tzinfo:
    """Return a zone by its name, or by its offset as `+01:00`.

    Raises:
        NoPattern: There is none.
    """
    if OFFSET.fullmatch(name):
        return offset_in(name)
    try:
        return UTC if name in ("UTC", "Z", "") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NoPattern(f"There is no time zone {name[:100]!r}.") from None


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the parts of a pattern: the letter of a field and all of it, or nothing and a fixed text."""
    found, end = [], 0
    for match in TOKEN.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        quoted, letter, other = match.groups()
        if letter is not None:
            if (letter not in LETTERS and letter not in "aZ") or (letter == "M" and len(match[0]) > 2):
                raise NoPattern(f"{match[0]!r} of the pattern is not understood; only digits and offsets are.")
            found.append((letter, match[0]))
        elif other is not None:
            found.append(("", other))
        else:
            found.append(("", "'" if quoted == "" else quoted.replace("''", "'")))
    if end != len(text):
        raise NoPattern("A quote of the pattern is not closed.")
    letters = [letter for letter, _ in found if letter]
    if len(set(letters)) < len(letters):
        raise NoPattern("A field stands in the pattern twice.")
    return found


def regex_of(letter: str, part: str) -> str:
    """Return what a part of a pattern is read by."""
    if not letter:
        return re.escape(part)
    if letter == "a":
        return "([AaPp][Mm])"
    if letter == "Z":
        return r"(Z|[+-]\d\d:?\d\d)"
    if letter in "yYx":
        return r"(\d{2})" if len(part) == 2 else r"(\d{1,4})"
    return r"(\d{1,9})" if letter == "S" else rf"(\d{{1,{max(2, len(part))}}})"


def written(letter: str, part: str, time: datetime) -> str:
    """Return a part of a pattern as it is written."""
    if not letter:
        return part
    if letter == "a":
        return HALVES[time.hour // 12]
    if letter == "Z":
        offset = time.strftime("%z")
        return offset[:5] if len(part) == 1 else f"{offset[:3]}:{offset[3:5]}"
    if letter == "S":
        return f"{time.microsecond // 1000:03d}".ljust(len(part), "0")[: len(part)]
    value = FIELDS[LETTERS[letter]](time)
    return f"{value % 100:02d}" if letter in "yYx" and len(part) == 2 else str(value).rjust(len(part), "0")


def year_in(parts: Mapping[str, str]) -> int:
    """Return the year; one of two digits is the nearest to 2000 that there is, from 1950 on."""
    text = parts.get("y") or parts.get("Y") or "2000"
    year = int(text)
    return year if len(text) != 2 else year + (2000 if year < 50 else 1900)


def hour_in(parts: Mapping[str, str]) -> int:
    """Return the hour of the day."""
    if "H" in parts or "k" in parts:
        return int(parts["H"]) if "H" in parts else int(parts["k"]) % 24
    hour = int(parts.get("K") or int(parts.get("h", 12)) % 12)
    return hour + (12 if parts.get("a", "AM").upper() == "PM" else 0)


def offset_in(text: str) -> tzinfo:
    """Return the offset that a text says."""
    match = OFFSET.fullmatch(text)
    if match is None:
        return UTC
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
