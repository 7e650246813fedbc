"""Two versions of a schema: which values of the one are none of the other?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from handlers.spec.overlaps import types
from handlers.spec.shape import follow
from handlers.spec.source import escape

Schema = Mapping[str, Any]
Direction = Literal["input", "output"]

LEAST = ("minimum", "minLength", "minItems", "minProperties")
MOST = ("maximum", "maxLength", "maxItems", "maxProperties")
SAME = ("pattern", "format", "multipleOf", "uniqueItems")
NAMES = {"fraction": "number"}


@dataclass(frozen=True)
class Break:
    """One thing that breaks clients."""

    pointer: str  #: into the new document
    message: str


@dataclass(frozen=True)
class Place:
    """A schema, and where it is."""

    schema: Schema
    pointer: str

    @property
    def key(self) -> str:
        """What tells this schema from others: recursive ones are met again."""
        return str(self.schema.get("$ref") or (id(self.schema) if self.schema else ""))

    def member(self, *keys: str) -> Place:
        """Return the schema below *keys*; one that is not there allows everything."""
        found: Any = self.schema
        for key in keys:
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        return Place(found if isinstance(found, Mapping) else {}, "/".join([self.pointer, *map(escape, keys)]))


@dataclass
class Between:
    """The comparison of two documents in one direction.

    What is sent must stay good, so that of an input the new schema has to allow what the old one did; what is answered
    must stay expected, so that of an output the old schema has to allow what the new one does.
    """

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    direction: Direction
    seen: set[tuple[str, str]] = field(default_factory=set)
    kept: list[Place] = field(default_factory=list)  #: what was met, so that nothing new is taken for it

    def breaks(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield what breaks clients between two schemas; *words* say what it is that they describe."""
        pair = old.key, new.key
        if pair in self.seen or not self.roles(old, new)[1]:
            return
        self.seen.add(pair)
        self.kept += [old, new]
        old, new = self.whole(self.old, old), self.whole(self.new, new)
        kinds = list(self.types(old, new, words))
        yield from kinds
        if kinds:
            return
        yield from self.values(old, new, words)
        yield from self.bounds(old, new, words)
        if variants(old.schema) or variants(new.schema):
            yield from self.variants(old, new, words)
        yield from self.members(old, new, words)
        if "array" in types(old.schema) & types(new.schema):
            yield from self.breaks(old.member("items"), new.member("items"), f"an item of {words}")

    @property
    def is_input(self) -> bool:
        """Whether clients send what is described."""
        return self.direction == "input"

    def whole(self, document: Mapping[str, Any], place: Place) -> Place:
        """Return what a schema refers to, the parts of its allOf put together."""
        pointer = str(place.schema.get("$ref", f"#{place.pointer}")).removeprefix("#")
        schema = follow(document, place.schema)
        if "allOf" not in schema:
            return Place(schema, pointer)
        result = {key: value for key, value in schema.items() if key != "allOf"}
        for number, part in enumerate(schema["allOf"]):
            found = self.whole(document, Place(part, f"{pointer}/allOf/{number}")).schema
            properties = {**found.get("properties", {}), **result.get("properties", {})}
            required = [*result.get("required", ()), *found.get("required", ())]
            result = {**found, **result, "properties": properties, "required": required}
        return Place(result, pointer)

    def roles(self, old: Place, new: Place) -> tuple[Schema, Schema]:
        """Return the schema whose values may come, and the one that has to allow them."""
        return (old.schema, new.schema) if self.is_input else (new.schema, old.schema)

    def types(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield a type that is new to one side."""
        given, allowed = self.roles(old, new)
        beyond = types(given) - types(allowed)
        if variants(given) or variants(allowed) or not beyond:
            return
        before, now = (place.schema.get("type", "anything") for place in (old, new))
        if before != now:
            yield Break(new.pointer, f"{words} was {before} and is now {now}.")
        else:
            kinds = " or ".join(sorted({NAMES.get(each, each) for each in beyond}))
            verb = "may no longer be" if self.is_input else "may now be"
            yield Break(new.pointer, f"{words} {verb} {kinds}.")

    def values(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield values of an enum that are new to one side."""
        given, allowed = self.roles(old, new)
        if "enum" not in allowed:
            return
        if "enum" not in given:
            verb = "may now only be" if self.is_input else "may now be anything, and was"
            yield Break(new.pointer, f"{words} {verb} one of {listed(allowed['enum'])}.")
        elif beyond := [value for value in given["enum"] if value not in allowed["enum"]]:
            verb = "may no longer be" if self.is_input else "may now be"
            yield Break(new.pointer, f"{words} {verb} {listed(beyond)}.")

    def bounds(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield bounds that are narrower on the side that has to allow."""
        given, allowed = self.roles(old, new)
        kinds = types(given) & types(allowed)
        keys = [key for key in (*LEAST, *MOST, *SAME) if key in allowed and kinds & about(key)]
        for key in keys:
            if key not in given or is_beyond(key, given, allowed):
                before, now = (place.schema.get(key, "free") for place in (old, new))
                yield Break(new.pointer, f"The {key} of {words} was {before} and is now {now}.")

    def variants(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield variants of one side that none of the other allows."""
        befores, nows = variants(old.schema) or [old.schema], variants(new.schema) or [new.schema]
        if len(befores) == len(nows) == 1:
            yield from self.breaks(Place(befores[0], old.pointer), Place(nows[0], new.pointer), words)
            return
        for number, given in enumerate(befores if self.is_input else nows):
            if not any(self.fits(given, allowed) for allowed in (nows if self.is_input else befores)):
                verb = "may no longer be" if self.is_input else "may now be"
                yield Break(new.pointer, f"{words} {verb} what its variant {number} is.")

    def fits(self, given: Schema, allowed: Schema) -> bool:
        """Tell whether one side's variant is all allowed by another of the other side."""
        old, new = (given, allowed) if self.is_input else (allowed, given)
        trial = Between(self.old, self.new, self.direction, set(self.seen), list(self.kept))
        return next(trial.breaks(Place(old, ""), Place(new, ""), ""), None) is None

    def members(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield members that are asked for, no longer sure, no longer known, or other than they were."""
        if "object" not in types(old.schema) & types(new.schema):
            return
        given, allowed = self.roles(old, new)
        for name in sorted(set(allowed.get("required", ())) - set(given.get("required", ()))):
            verb = "has to be there now" if self.is_input else "may be missing now"
            yield Break(new.pointer, f"`{name}` of {words} {verb}.")
        before, now = (place.schema.get("properties", {}) for place in (old, new))
        for name in before.keys() & now.keys():
            places = old.member("properties", name), new.member("properties", name)
            yield from self.breaks(*places, f"`{name}` of {words}")
        yield from self.further(old, new, words)

    def further(self, old: Place, new: Place, words: str) -> Iterator[Break]:
        """Yield members that are known to the old schema only, and what becomes of members that no schema names."""
        before, now = (place.schema.get("properties", {}) for place in (old, new))
        more = [place.schema.get("additionalProperties", True) for place in (old, new)]
        if self.is_input:
            for name in sorted(before.keys() - now.keys()):
                if isinstance(more[1], Mapping) and more[1]:
                    places = old.member("properties", name), new.member("additionalProperties")
                    yield from self.breaks(*places, f"`{name}` of {words}")
                else:
                    yield Break(new.pointer, f"`{name}` of {words} is no longer known.")
            if more[1] is False and more[0] is not False:
                yield Break(new.pointer, f"{words} may no longer have members that are not named.")
        if all(isinstance(each, Mapping) for each in more):
            places = old.member("additionalProperties"), new.member("additionalProperties")
            yield from self.breaks(*places, f"a further member of {words}")


def variants(schema: Schema) -> Sequence[Schema]:
    """Return the variants of a schema."""
    found: Sequence[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
    return found


def about(key: str) -> set[str]:
    """Return the types that a bound is about."""
    if key in ("minimum", "maximum", "multipleOf"):
        return {"integer", "fraction"}
    if key.endswith("Items"):
        return {"array"}
    return {"object"} if key.endswith("Properties") else {"string", "integer", "fraction"}


def is_beyond(key: str, given: Schema, allowed: Schema) -> bool:
    """Tell whether *given* has values beyond a bound of *allowed*."""
    if key in SAME:
        return bool(given[key] != allowed[key])
    exclusive = f"exclusive{key[0].upper()}{key[1:]}"
    if given[key] == allowed[key]:
        return bool(allowed.get(exclusive)) and not given.get(exclusive)
    return bool(given[key] < allowed[key] if key in LEAST else given[key] > allowed[key])


def listed(values: Sequence[Any]) -> str:
    """Return values as people read them."""
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
