"""A release: a signed list of wheels and what must be known before they are installed. Pure, standard library alone.

It is the JSON document `releases/<version>.json` of the repository. Each wheel is a target of its own, so a wheel that
two releases share is fetched once. Unknown fields are left aside: a newer publisher may say more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from tpayd.updater.errors import DescriptionError

__all__ = ["Release", "Version", "Wheel"]

_T = TypeVar("_T")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WHEEL_NAME = re.compile(r"([A-Za-z0-9_.]+)-([A-Za-z0-9_.!+]+)(?:-(\d[^-]*))?-([^-/]+)-([^-/]+)-([^-/]+)\.whl")
"""`{distribution}-{version}[-{build}]-{python}-{abi}-{platform}.whl` (binary distribution format, file name)."""
_WHEEL_MAX_BYTES = 1024 * 1024 * 1024
_WHEELS_MAX = 500
_FORMAT = 1


@dataclass(frozen=True, order=True)
class Version:
    """`major.minor.patch` of a release; releases have no other shape. Ordered by number: 0.10.0 is after 0.9.0."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises ValueError for any other shape."""
        match = re.fullmatch(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})", text)
        if match is None:
            raise ValueError(f"a version of a release is 'major.minor.patch', not {text[:40]!r}")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Wheel:
    """One file of a release."""

    target: str
    """Its path in the repository: `wheels/<filename>`."""
    length_bytes: int
    sha256: str

    @property
    def filename(self) -> str:
        """As pip wants it."""
        return self.target.rpartition("/")[2]

    @property
    def distribution(self) -> str:
        """The package's name in its normal form (lower case, hyphens)."""
        return re.sub(r"[-_.]+", "-", self._parts[0]).lower()

    @property
    def version(self) -> str:
        return self._parts[1]

    @property
    def tags(self) -> frozenset[str]:
        """What it runs on, each as `cp311-cp311-manylinux_2_28_x86_64` (compressed sets spread out)."""
        pythons, abis, platforms = (part.split(".") for part in self._parts[3:6])
        return frozenset(f"{a}-{b}-{c}" for a in pythons for b in abis for c in platforms)

    @property
    def _parts(self) -> Sequence[str]:
        match = _WHEEL_NAME.fullmatch(self.filename)
        assert match is not None  # noqa: S101 - checked where it was read
        return match.groups("")


@dataclass(frozen=True)
class Release:
    """What a vendor says of one version."""

    version: Version
    wheels: tuple[Wheel, ...]
    """tpayd's own and all that it needs; of a package for several machines, one wheel for each kind."""
    python: tuple[int, int]
    """The oldest Python that it runs on."""
    journal_revision: str
    """The newest revision of the journal's tables that it brings; revisions sort as text."""
    keystore_version: int
    """The schema of the key store that it reads."""
    contract: str
    """The version of the POS contract, `major.minor`."""
    min_from: Version
    """The oldest version that may go to this one in a single step."""
    published_at: datetime
    changelog: Mapping[str, str] = field(default_factory=dict)
    """Markdown by language: `ko`, `en`."""
    file_list: str | None = None
    """The target that holds the vendor's signed list of files (`tpayd-release.manifest`), if there is one."""

    @classmethod
    def parse(cls, content: bytes, *, name: str = "release") -> Release:
        """Read a description. Raises DescriptionError, which names the field."""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DescriptionError(f"{name} is no JSON ({error}); the vendor has to publish it again") from None
        fields = _Fields(document, name)
        if (form := fields.integer("format", 1, 1_000_000)) > _FORMAT:
            problem = f"is {form}, newer than this tpayd reads; update to an earlier release first"
            raise fields.wrong("format", problem)
        release = cls(
            version=fields.made("version", Version.parse),
            wheels=tuple(_wheel(fields, each, number) for number, each in enumerate(fields.list_of("wheels"))),
            python=fields.made("python", _python),
            journal_revision=fields.text("journal_revision", 100),
            keystore_version=fields.integer("keystore_version", 1, 1_000_000),
            contract=fields.matching("contract", re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")),
            min_from=fields.made("min_from", Version.parse),
            published_at=fields.made("published_at", _moment),
            changelog=fields.texts("changelog"),
            file_list=fields.path_or_none("file_list"),
        )
        if not any(wheel.distribution == "tpayd" for wheel in release.wheels):
            raise fields.wrong("wheels", "has no wheel of tpayd itself")
        if len({wheel.target for wheel in release.wheels}) != len(release.wheels):
            raise fields.wrong("wheels", "names a wheel twice")
        return release

    def encode(self) -> bytes:
        """As `parse` reads it; the same release gives the same bytes."""
        document = {
            "format": _FORMAT,
            "version": str(self.version),
            "published_at": self.published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "min_from": str(self.min_from),
            "python": ">={}.{}".format(*self.python),
            "journal_revision": self.journal_revision,
            "keystore_version": self.keystore_version,
            "contract": self.contract,
            "changelog": dict(sorted(self.changelog.items())),
            "file_list": self.file_list,
            "wheels": [
                {"target": each.target, "length": each.length_bytes, "sha256": each.sha256} for each in self.wheels
            ],
        }
        return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"

    def wheels_for(self, supported_tags: Iterable[str]) -> tuple[Wheel, ...]:
        """One wheel of each package, the best for this machine.

        Args:
            supported_tags: what the interpreter takes, best first (`packaging.tags.sys_tags`, each as text).

        Raises:
            DescriptionError: nothing in the release suits this machine; names the package.
        """
        rank = {tag: place for place, tag in reversed(list(enumerate(supported_tags)))}
        best: dict[str, tuple[int, Wheel]] = {}
        missing: dict[str, Wheel] = {}
        for wheel in self.wheels:
            places = [rank[tag] for tag in wheel.tags if tag in rank]
            if not places:
                missing.setdefault(wheel.distribution, wheel)
            elif wheel.distribution not in best or min(places) < best[wheel.distribution][0]:
                best[wheel.distribution] = (min(places), wheel)
        for distribution, wheel in sorted(missing.items()):
            if distribution not in best:
                text = (
                    f"release {self.version} has no wheel of {distribution} for this machine (it has {wheel.filename})"
                    "; ask the vendor for a release that supports it"
                )
                raise DescriptionError(text)
        return tuple(wheel for _, (_, wheel) in sorted(best.items()))


class _Fields:
    """A JSON object, read field by field; every complaint names document and field."""

    def __init__(self, document: object, name: str) -> None:
        self._name = name
        if not isinstance(document, dict):
            raise DescriptionError(f"{name} is no JSON object; the vendor has to publish it again")
        self._values: dict[str, Any] = document

    def wrong(self, key: str, problem: str) -> DescriptionError:
        return DescriptionError(f"{self._name}: {key} {problem}")

    def within(self, document: object, key: str) -> _Fields:
        if not isinstance(document, dict):
            raise self.wrong(key, "is no object")
        return _Fields(document, f"{self._name}: {key}")

    def text(self, key: str, most: int) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise self.wrong(key, f"must be a text of 1 to {most} characters")
        return value

    def matching(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.text(key, 300)
        if pattern.fullmatch(value) is None:
            raise self.wrong(key, f"is {value[:40]!r}, which is not of the form {pattern.pattern}")
        return value

    def made(self, key: str, make: Callable[[str], _T]) -> _T:
        try:
            return make(self.text(key, 100))
        except ValueError as error:
            raise self.wrong(key, f"cannot be read: {error}") from None

    def integer(self, key: str, least: int, most: int) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"must be a whole number from {least} to {most}")
        return value

    def list_of(self, key: str) -> list[object]:
        value = self._values.get(key)
        if not isinstance(value, list) or not 0 < len(value) <= _WHEELS_MAX:
            raise self.wrong(key, f"must be a list of 1 to {_WHEELS_MAX}")
        return value

    def texts(self, key: str) -> dict[str, str]:
        value = self._values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self.wrong(key, "must have a text for each language")
        return dict(value)

    def path_or_none(self, key: str) -> str | None:
        return None if self._values.get(key) is None else self.matching(key, re.compile(r"releases/[A-Za-z0-9._/-]+"))


def _wheel(fields: _Fields, document: object, number: int) -> Wheel:
    inner = fields.within(document, f"wheels[{number}]")
    return Wheel(
        target=inner.matching("target", re.compile(rf"wheels/{_WHEEL_NAME.pattern}")),
        length_bytes=inner.integer("length", 1, _WHEEL_MAX_BYTES),
        sha256=inner.matching("sha256", _SHA256),
    )


def _python(text: str) -> tuple[int, int]:
    match = re.fullmatch(r">=3\.([0-9]{1,3})", text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not of the form '>=3.11'")
    return 3, int(match[1])


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
