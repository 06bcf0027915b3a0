"""From staged to published: proven as a client would, and the timestamp last."""

from __future__ import annotations

from typing import Any, cast

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from ops.release.errors import ReleaseToolError
from ops.release.roles import ONLINE, TOP_LEVEL, policy
from ops.release.workshop import Workshop
from tpayd.kit.durable_file import replace_file
from tpayd.updater.trusted import SIGNED_AT_FIELD

__all__ = ["publish", "renew"]

_MODE = 0o644


def publish(workshop: Workshop, online: CryptoSigner) -> list[str]:
    """Put all that is staged in its place, with a new snapshot and timestamp.

    What only one signer is late with, such as one vendor's firmware, stays staged and keeps nobody waiting.
    Whatever interrupts it: until the timestamp is replaced, clients see the old state, whole.

    Returns:
        The roles that were published.

    Raises:
        ReleaseToolError: a signature is missing, or a role is not what it should be; nothing is published then.
    """
    staged = {role: found for role in workshop.roles() if (found := workshop.staged_role(role)) is not None}
    if staged.keys().isdisjoint(TOP_LEVEL):
        staged = {role: found for role, found in staged.items() if not _may_wait(workshop, role)}
    for role, metadata in staged.items():
        _check(workshop, role, metadata)
    _check_online(workshop, online)
    listed = _listed(workshop, staged)
    for role, metadata in staged.items():
        replace_file(workshop.metadata / f"{metadata.signed.version}.{role}.json", metadata.to_bytes(), _MODE)
    _vouch(workshop, online, _snapshot(workshop, online, listed))
    for role in staged:
        (workshop.staged / f"{role}.json").unlink()
    return list(staged)


def renew(workshop: Workshop, online: CryptoSigner) -> str:
    """A new timestamp, and a new snapshot where the old one's validity is two thirds gone. Raises ReleaseToolError."""
    _check_online(workshop, online)
    snapshot = workshop.published("snapshot")
    if snapshot is None:
        raise ReleaseToolError("nothing is published yet: sign what is staged, then `publish`")
    if snapshot.signed.expires - policy("snapshot").valid / 3 <= workshop.now:
        content = _snapshot(workshop, online, _listed(workshop, {}))
    else:
        content = (workshop.metadata / f"{snapshot.signed.version}.snapshot.json").read_bytes()
    timestamp = _vouch(workshop, online, content)
    return f"timestamp {timestamp.version}, valid until {timestamp.expires:%Y-%m-%d %H:%M} UTC"


def _may_wait(workshop: Workshop, role: str) -> bool:
    """Whether stores keep what they have of this role while its signatures are missing."""
    return workshop.missing(role) > 0 and workshop.published(role) is not None


def _check(workshop: Workshop, role: str, metadata: Metadata[Any]) -> None:
    before = workshop.published(role)
    expected = 1 if before is None else before.signed.version + 1
    if metadata.signed.version != expected:
        text = f"staged {role} has version {metadata.signed.version}, {expected} is next"
        raise ReleaseToolError(f"{text}: remove it from staged/, and begin anew")
    if metadata.signed.expires <= workshop.now:
        raise ReleaseToolError(
            f"staged {role} has expired before it was published; change or `extend` it, and sign anew"
        )
    if missing := workshop.missing(role):
        raise ReleaseToolError(
            f"staged {role} lacks {missing} signature(s): `sign` it where its keys are, then publish"
        )


def _check_online(workshop: Workshop, online: CryptoSigner) -> None:
    root = cast("Root", workshop.current("root").signed)
    for role in ONLINE:
        if online.public_key.keyid not in root.get_delegated_role(role).keyids:
            raise ReleaseToolError(
                f"this key may not sign {role}; take the one that root names, or `rotate` {role} to it"
            )


def _snapshot(workshop: Workshop, online: CryptoSigner, listed: dict[str, MetaFile]) -> bytes:
    before = workshop.published("snapshot")
    version = 1 if before is None else before.signed.version + 1
    made = Metadata(Snapshot(version=version, expires=workshop.now + policy("snapshot").valid, meta=listed))
    made.sign(online)
    content = made.to_bytes()
    replace_file(workshop.metadata / f"{version}.snapshot.json", content, _MODE)
    return content


def _vouch(workshop: Workshop, online: CryptoSigner, snapshot: bytes) -> Timestamp:
    place = workshop.metadata / "timestamp.json"
    last = Metadata[Timestamp].from_file(str(place)).signed.version if place.exists() else 0
    version = Metadata[Snapshot].from_bytes(snapshot).signed.version
    timestamp = Timestamp(
        version=last + 1,
        expires=workshop.now + policy("timestamp").valid,
        snapshot_meta=MetaFile.from_data(version, snapshot, ["sha256"]),
        unrecognized_fields={SIGNED_AT_FIELD: workshop.now.strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    vouched = Metadata(timestamp)
    vouched.sign(online)
    replace_file(place, vouched.to_bytes(), _MODE)
    return timestamp


def _listed(workshop: Workshop, staged: dict[str, Metadata[Any]]) -> dict[str, MetaFile]:
    """All roles as they will be.

    Those that are delegated to no more as well: a client refuses a snapshot that lost one (TUF 1.0, section 5.5.5).
    """
    listed: dict[str, MetaFile] = {}
    for role in _needed(workshop, staged) | set(workshop.roles()) - {"root", *ONLINE}:
        newest = staged.get(role) or workshop.published(role)
        if newest is None:
            raise ReleaseToolError(f"{role} has never been published: `sign` it where its keys are, then publish")
        listed[f"{role}.json"] = MetaFile.from_data(newest.signed.version, newest.to_bytes(), ["sha256"])
    return listed


def _needed(workshop: Workshop, staged: dict[str, Metadata[Any]]) -> set[str]:
    targets = staged.get("targets") or workshop.published("targets")
    if targets is None:
        raise ReleaseToolError("targets has never been published: `sign` it where its keys are, then publish")
    delegations = cast("Targets", targets.signed).delegations
    return {"targets", *((delegations.roles or {}) if delegations is not None else {})}
