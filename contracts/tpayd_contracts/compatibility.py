"""What a change of the contract may not do to those who speak the version before it.

`python -m tpayd_contracts.compatibility` compares the contract in the code with the last one released
(`contracts/schema/released/`). Two directions are told apart, because they break differently:

* to the daemon (requests): what was accepted must still be accepted, and mean the same;
* from the daemon (replies, progress, events, errors): what a peer relied on must still be there.

Forbidden in both: a field or an operation deleted, a field retyped, a new required field, an enum value removed, a
limit tightened, another default. Forbidden from the daemon only: a field that was always there and may now be missing,
a type that was never sent before. New optional fields, new operations and new enum values are allowed.
"""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tpayd_contracts.operation import Right
from tpayd_contracts.schema.bundle import Json, bundle
from tpayd_contracts.schema.files import directory
from tpayd_contracts.version import ContractVersion

__all__ = ["breaks", "judge", "last_release"]


class _Direction(enum.Enum):
    TO_DAEMON = "to the daemon"
    FROM_DAEMON = "from the daemon"


_LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "x-min-bytes")
_UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "x-max-bytes")
_SHAPES = ("pattern", "format", "multipleOf")
_PARTS = {"request": _Direction.TO_DAEMON, "reply": _Direction.FROM_DAEMON, "progress": _Direction.FROM_DAEMON}
_WIRE = ("protocol", "kinds")


def breaks(old: Json, new: Json) -> list[str]:
    """Every way in which contract `new` breaks a peer that speaks `old`, one sentence each; empty: none."""
    found = [f"{name}: changed from {old[name]} to {new[name]}" for name in _WIRE if _changed(old[name], new[name])]
    if new["max_frame_bytes"] < old["max_frame_bytes"]:
        found.append("max_frame_bytes: tightened")
    compare = _Comparison(old["$defs"], new["$defs"])
    found += compare.envelope(old["envelope"], new["envelope"])
    found += compare.parts("hello", old["hello"], new["hello"])
    found += compare.node("error", old["error"], new["error"], _Direction.FROM_DAEMON)
    for name, op in old["operations"].items():
        if name not in new["operations"]:
            found.append(f"{name}: operation removed")
        else:
            found += _operation_breaks(name, op, new["operations"][name])
            found += compare.parts(name, op, new["operations"][name])
    for topic, body in old["events"].items():
        if topic not in new["events"]:
            found.append(f"event {topic}: removed")
        else:
            found += compare.node(f"event {topic}", body, new["events"][topic], _Direction.FROM_DAEMON)
    return found


def _changed(old: Json | str, new: Json | str) -> bool:
    """Of a map, only what the old one holds has to stay."""
    if isinstance(old, dict) and isinstance(new, dict):
        return any(new.get(key) != value for key, value in old.items())
    return old != new


def _operation_breaks(name: str, old: Json, new: Json) -> Iterator[str]:
    if new["needs_key"] and not old["needs_key"]:
        yield f"{name}: needs an idempotency key now"
    if old["right"] is None:
        return
    if new["right"] is None:
        yield f"{name}: no longer open to clients"
    elif not Right(old["right"]).includes(Right(new["right"])):
        yield f"{name}: needs the right {new['right']} now, {old['right']} was enough"


@dataclass
class _Comparison:
    """A walk over two schemas at once. A pair of definitions is visited once per direction."""

    old_defs: Json
    new_defs: Json
    seen: set[tuple[str, str, _Direction]] = field(default_factory=set)

    def envelope(self, old: Json, new: Json) -> Iterator[str]:
        """The envelope is the same array for ever: its elements are told by their place alone."""
        if [element["title"] for element in old["prefixItems"]] != [e["title"] for e in new["prefixItems"]]:
            yield "envelope: its elements changed"
            return
        for was, now in zip(old["prefixItems"], new["prefixItems"], strict=True):
            for direction in _Direction:
                yield from self.node(f"envelope.{was['title']}", was, now, direction)

    def parts(self, name: str, old: Json, new: Json) -> Iterator[str]:
        for part, direction in _PARTS.items():
            if old.get(part) is None:
                continue
            if new.get(part) is None:
                yield f"{name} {part}: removed"
            else:
                yield from self.node(f"{name} {part}", old[part], new[part], direction)

    def node(self, path: str, old: Json, new: Json, direction: _Direction) -> Iterator[str]:
        """What breaks between two schemas of the same place."""
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"], direction)
            if pair in self.seen:
                return
            self.seen.add(pair)
        if "default" in old and old["default"] != new.get("default"):
            yield f"{path}: its default changed, and with it what leaving it out means"
        old_forms, new_forms = self._forms(old, self.old_defs), self._forms(new, self.new_defs)
        lost = old_forms.keys() - new_forms.keys()
        gained = new_forms.keys() - old_forms.keys()
        if lost or (gained and direction is _Direction.FROM_DAEMON):
            yield f"{path}: retyped from {' | '.join(sorted(old_forms))} to {' | '.join(sorted(new_forms))}"
        for form in sorted(old_forms.keys() & new_forms.keys()):
            yield from self._form(path, old_forms[form], new_forms[form], direction)

    def _form(self, path: str, old: Json, new: Json, direction: _Direction) -> Iterator[str]:
        yield from _tightened(path, old, new)
        if old.get("properties") is not None:
            yield from self._fields(path, old, new, direction)
        for inner in ("items", "additionalProperties"):
            was, now = old.get(inner), new.get(inner)
            if isinstance(was, dict) and isinstance(now, dict):
                yield from self.node(f"{path}[]", was, now, direction)
            elif now is not None and was is not now and now is not True:
                yield f"{path}: what it may hold ({inner}) is tightened"

    def _fields(self, path: str, old: Json, new: Json, direction: _Direction) -> Iterator[str]:
        was, now = old["properties"], new.get("properties", {})
        required_before, required_now = set(old.get("required", [])), set(new.get("required", []))
        for name in was:
            if name not in now:
                yield f"{path}.{name}: field deleted"
            else:
                yield from self.node(f"{path}.{name}", was[name], now[name], direction)
        for name in sorted(required_now - required_before):
            yield f"{path}.{name}: required now"
        if direction is _Direction.FROM_DAEMON:
            for name in sorted((required_before & now.keys()) - required_now):
                yield f"{path}.{name}: was always there, may be missing now"

    def _forms(self, node: Json, defs: Json) -> dict[str, Json]:
        """The alternatives that a value may take, by kind: `integer`, `null`, `object` and so on."""
        if "$ref" in node:
            return self._forms(defs[node["$ref"].removeprefix("#/$defs/")], defs)
        if "anyOf" in node:
            options = [form for option in node["anyOf"] for form in self._forms(option, defs).items()]
            forms = dict(options)
            if len(forms) < len(options):
                raise ValueError(f"alternatives of the same kind cannot be compared: {[kind for kind, _ in options]}")
            return forms
        if "enum" in node:
            kinds = {"string" if isinstance(value, str) else "integer" for value in node["enum"]}
            return {"|".join(sorted(kinds)): node}
        kind = node.get("type", "any")
        return {"binary" if node.get("format") == "binary" else kind: node}


def _tightened(path: str, old: Json, new: Json) -> Iterator[str]:
    values: list[object] = old.get("enum", [])
    removed = [value for value in values if value not in new.get("enum", values)]
    if removed:
        yield f"{path}: enum values removed: {', '.join(map(str, removed))}"
    if "enum" in new and "enum" not in old:
        yield f"{path}: only certain values are allowed now"
    if "const" in new and new["const"] != old.get("const"):
        yield f"{path}: only {new['const']} is allowed now"
    for limit in _LOWER_LIMITS:
        if limit in new and (limit not in old or new[limit] > old[limit]):
            yield f"{path}: {limit} tightened from {old.get(limit)} to {new[limit]}"
    for limit in _UPPER_LIMITS:
        if limit in new and (limit not in old or new[limit] < old[limit]):
            yield f"{path}: {limit} tightened from {old.get(limit)} to {new[limit]}"
    for shape in _SHAPES:
        if shape in new and new[shape] != old.get(shape):
            yield f"{path}: {shape} changed from {old.get(shape)} to {new[shape]}"


def last_release(root: Path) -> Path | None:
    """The released contract with the highest version, or None before the first release."""
    releases = [*(root / "released").glob("*.json")]
    return max(releases, key=lambda path: ContractVersion.parse(path.stem), default=None)


def judge(root: Path, current: Json) -> list[str]:
    """What stands against the present contract, given the releases under `root`; one sentence each."""
    path = last_release(root)
    if path is None:
        return []
    released: Json = json.loads(path.read_bytes())
    old, new = ContractVersion.parse(released["contract"]), ContractVersion.parse(current["contract"])
    if new < old:
        return [f"the contract says {new}, and {old} is released already"]
    if new.major > old.major:
        return []
    found = breaks(released, current)
    if new == old and not found and _without_words(released) != _without_words(current):
        found.append(f"{old} is released, and the contract differs from it: raise the minor in version.py")
    return found


def _without_words(node: Any) -> Any:
    """The same schema without what is written for people alone: a better sentence is no new contract."""
    if isinstance(node, dict):
        return {
            key: _without_words(value)
            for key, value in node.items()
            if key != "x-enum-descriptions" and not (key == "description" and isinstance(value, str))
        }
    if isinstance(node, list):
        return [_without_words(value) for value in node]
    return node


def main() -> int:
    """Exit code 0: nothing breaks; 1: something does, or the contract changed and its version did not."""
    found = judge(directory(), bundle())
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
