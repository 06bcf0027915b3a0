"""A repository on its publisher's disk.

    metadata/   what is published: <version>.<role>.json, timestamp.json
    targets/    the files, each under its hash: <folder>/<sha256>.<name>
    staged/     metadata that is being changed and collects its signatures: <role>.json

`metadata/` and `targets/` are served as they are, by any web server. `staged/` is never served; its files are carried
to the machines that hold the keys, signed there, and carried back.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, TargetFile, Targets

from ops.release.errors import ReleaseToolError
from ops.release.roles import ONLINE, TOP_LEVEL, policy
from tpayd.kit.durable_file import replace_file

__all__ = ["Workshop"]

_MODE = 0o644


class Workshop:
    """One directory."""

    def __init__(self, directory: Path, now: datetime | None = None) -> None:
        """`now` is the time from which the validity of what is changed counts."""
        self.directory = directory
        self.metadata = directory / "metadata"
        self.targets = directory / "targets"
        self.staged = directory / "staged"
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)

    @classmethod
    def make(
        cls, directory: Path, *, root_keys: list[Key], threshold: int, targets_key: Key, releases_key: Key,
        online_key: Key, now: datetime | None = None,
    ) -> Workshop:  # fmt: skip
        """A new repository, all of it staged: to be signed, then published. Raises ReleaseToolError."""
        if directory.exists() and any(directory.iterdir()):
            raise ReleaseToolError(f"{directory} is not empty; a repository begins in a directory of its own")
        if not 1 <= threshold <= len(root_keys):
            raise ReleaseToolError(f"{threshold} of {len(root_keys)} keys cannot sign root: name more --root-key")
        workshop = cls(directory, now)
        root = Root(version=1, expires=workshop.now + policy("root").valid, consistent_snapshot=True)
        for role, keys in (
            ("root", root_keys), ("targets", [targets_key]), ("snapshot", [online_key]), ("timestamp", [online_key]),
        ):  # fmt: skip
            for key in keys:
                root.add_key(key, role)
        root.roles["root"].threshold = threshold
        targets = Targets(version=1, expires=workshop.now + policy("targets").valid)
        targets.delegations = Delegations({}, {})
        for made in (workshop.metadata, workshop.targets, workshop.staged):
            made.mkdir(parents=True)
        workshop.stage("root", Metadata(root))
        workshop.stage("targets", Metadata(targets))
        workshop.delegate("releases", [releases_key])
        return workshop

    # What there is

    def roles(self) -> list[str]:
        """All that are published or staged, top-level ones first."""
        found = {path.stem for path in self.staged.glob("*.json")}
        found |= {path.name.split(".")[1] for path in self.metadata.glob("*.*.json")}
        return [role for role in TOP_LEVEL if role in found] + sorted(found - set(TOP_LEVEL))

    def published(self, role: str) -> Metadata[Any] | None:
        """The newest version that is published."""
        versions = [int(path.name.split(".")[0]) for path in self.metadata.glob(f"*.{role}.json")]
        return _read(self.metadata / f"{max(versions)}.{role}.json") if versions else None

    def staged_role(self, role: str) -> Metadata[Any] | None:
        """What waits for its signatures."""
        path = self.staged / f"{role}.json"
        return _read(path) if path.exists() else None

    def current(self, role: str) -> Metadata[Any]:
        """As it will be, or is. Raises ReleaseToolError."""
        found = self.staged_role(role) or self.published(role)
        if found is None:
            raise ReleaseToolError(f"there is no role {role} in {self.directory}; `status` lists them")
        return found

    def delegator(self, role: str) -> Root | Targets:
        """Who says which keys count for this role."""
        return cast("Root | Targets", self.current("root" if role in TOP_LEVEL else "targets").signed)

    # Changes: each makes a new version, to be signed anew

    def change(self, role: str) -> Metadata[Any]:
        """The next version of a role, not signed yet; `stage` keeps it."""
        policy(role)
        staged = self.staged_role(role)
        if staged is None:
            staged = self.current(role)
            staged.signed.version += 1
        staged.signatures.clear()
        staged.signed.expires = self.now + policy(role).valid
        return staged

    def stage(self, role: str, metadata: Metadata[Any]) -> None:
        """Keep it for its signatures."""
        self.staged.mkdir(exist_ok=True)
        replace_file(self.staged / f"{role}.json", metadata.to_bytes(), _MODE)

    def delegate(self, role: str, keys: list[Key], threshold: int = 1) -> None:
        """Have these keys sign this role's paths, and begin the role. Raises ReleaseToolError."""
        if not 1 <= threshold <= len(keys):
            raise ReleaseToolError(f"{threshold} of {len(keys)} keys cannot sign {role}: name more --key")
        targets = self.change("targets")
        delegations = cast("Targets", targets.signed).delegations
        assert delegations is not None  # noqa: S101 - `make` has put it there
        assert delegations.roles is not None  # noqa: S101 - the same
        if role in delegations.roles:
            raise ReleaseToolError(f"{role} is there already; `rotate` changes its keys")
        terms = policy(role)
        delegations.roles[role] = DelegatedRole(
            role, [key.keyid for key in keys], threshold, terms.terminating, list(terms.paths)
        )
        delegations.keys.update({key.keyid: key for key in keys})
        self.stage("targets", targets)
        if self.published(role) is not None:
            self.stage(role, self.change(role))
        else:
            self.stage(role, Metadata(Targets(version=1, expires=self.now + terms.valid)))

    def end_delegation(self, role: str) -> None:
        """Have nobody sign this role's paths any more. Raises ReleaseToolError."""
        targets = self.change("targets")
        delegations = cast("Targets", targets.signed).delegations
        if delegations is None or delegations.roles is None or role not in delegations.roles:
            raise ReleaseToolError(f"targets delegates nothing to {role}; `status` lists the roles")
        gone = set(delegations.roles.pop(role).keyids)
        for keyid in gone - {keyid for each in delegations.roles.values() for keyid in each.keyids}:
            del delegations.keys[keyid]
        (self.staged / f"{role}.json").unlink(missing_ok=True)
        self.stage("targets", targets)

    def rotate(self, role: str, old_id: str, new: Key) -> list[str]:
        """Have a new key in the place of an old one (named by the beginning of its id). Raises ReleaseToolError.

        Returns:
            What is to be signed for it.
        """
        by = "root" if role in TOP_LEVEL else "targets"
        changed = self.change(by)
        signer = cast("Root | Targets", changed.signed)
        matching = [keyid for keyid in signer.get_delegated_role(role).keyids if old_id and keyid.startswith(old_id)]
        if len(matching) != 1:
            raise ReleaseToolError(
                f"{len(matching)} keys of {role} have an id that begins {old_id!r}; `status` lists them"
            )
        signer.revoke_key(matching[0], role)
        signer.add_key(new, role)
        self.stage(by, changed)
        if role == by or role in ONLINE:
            return [by]
        self.stage(role, self.change(role))
        return sorted([by, role])

    def put(self, role: str, files: dict[str, Path]) -> None:
        """Add files to what a role lists: by path in the repository. Raises ReleaseToolError."""
        changed = self.change(role)
        listed = cast("Targets", changed.signed)
        delegated = cast("DelegatedRole", self.delegator(role).get_delegated_role(role))
        for path, source in sorted(files.items()):
            if not delegated.is_delegated_path(path):
                raise ReleaseToolError(f"{path} is none of {role}'s paths ({' '.join(delegated.paths or [])})")
            file = TargetFile.from_file(path, str(source), ["sha256"])
            earlier = listed.targets.get(path)
            if earlier is not None and earlier.hashes != file.hashes:
                raise ReleaseToolError(f"{path} is there with another content; give the new one a name of its own")
            listed.targets[path] = file
            folder, _, name = path.rpartition("/")
            place = self.targets / folder / f"{file.hashes['sha256']}.{name}"
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                replace_file(place, source.read_bytes(), _MODE)
        self.stage(role, changed)

    def withdraw(self, role: str, path: str) -> None:
        """Offer a file no more; it stays on the disk. Raises ReleaseToolError."""
        changed = self.change(role)
        if cast("Targets", changed.signed).targets.pop(path, None) is None:
            raise ReleaseToolError(f"{role} does not list {path}")
        self.stage(role, changed)

    # Signatures

    def carry(self, to: Path) -> None:
        """Copy what signers need to see and sign: no private key, no file of a release. Raises ReleaseToolError."""
        if to.exists() and any(to.iterdir()):
            raise ReleaseToolError(f"{to} is not empty; name a new directory on the medium")
        for directory in (self.metadata, self.staged):
            shutil.copytree(directory, to / directory.name)

    def may_sign(self, role: str, signer: CryptoSigner) -> bool:
        """Whether this role is staged and this key one of those that count for it."""
        if self.staged_role(role) is None:
            return False
        who = [self.delegator(role)]
        if role == "root" and (before := self.published("root")) is not None:
            who.append(cast("Root", before.signed))
        return any(signer.public_key.keyid in each.get_delegated_role(role).keyids for each in who)

    def sign(self, role: str, signer: CryptoSigner) -> None:
        """Add a signature to what is staged."""
        staged = self.current(role)
        staged.sign(signer, append=True)
        self.stage(role, staged)

    def collect(self, other: Workshop) -> dict[str, int]:
        """Take the signatures of a copy that was carried to its signers. Returns how many are new, by role.

        Raises:
            ReleaseToolError: what was signed there is not what is staged here.
        """
        new = {}
        for role in other.roles():
            theirs, ours = other.staged_role(role), self.staged_role(role)
            if theirs is None or not theirs.signatures:
                continue
            if ours is None or ours.signed_bytes != theirs.signed_bytes:
                raise ReleaseToolError(
                    f"{role} was changed here since it was carried away: carry it again, and sign anew"
                )
            new[role] = len(theirs.signatures.keys() - ours.signatures.keys())
            ours.signatures.update(theirs.signatures)
            self.stage(role, ours)
        return new

    def missing(self, role: str) -> int:
        """How many signatures are still missing from what is staged."""
        staged = self.staged_role(role)
        if staged is None:
            return 0
        delegator = self.delegator(role)
        given = (staged.signed_bytes, staged.signatures)
        if role != "root":
            return delegator.get_verification_result(role, *given).missing
        before = self.published("root")
        both = cast("Root", staged.signed).get_root_verification_result(
            cast("Root", before.signed) if before is not None else None, *given
        )
        return max(both.first.missing, both.second.missing)


def _read(path: Path) -> Metadata[Any]:
    try:
        return Metadata[Any].from_file(str(path))
    except Exception as error:
        # Everything that tuf raises here says the same: that file is none.
        raise ReleaseToolError(f"{path} is no metadata: {error}") from error
