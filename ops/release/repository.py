"""Publish releases of tpayd and firmware of readers, so that stores take nothing else.

Run it from the project's root as  python -m ops.release.repository COMMAND --help

A repository is a directory. Its metadata/ and targets/ are served by any web server; staged/ holds what still has to be
signed, and is not served. Nobody who breaks into the web server can make a store install anything: what stores believe
is signed by keys that never were there.

    role          its key lies                signs                                   valid
    root          with three people, offline  which keys count; 2 of 3 must sign      1 year
    targets       offline                     who may sign releases and firmware      1 year
    releases      with who releases           releases/* and wheels/*                 180 days
    firmware-X    with the reader vendor X    firmware/X/* and nothing else           1 year
    snapshot      where it is published       which versions belong together          14 days
    timestamp     where it is published       that this is the newest; renew daily    2 days

The first release, from nothing:

    key a.pem; key b.pem; key c.pem; key targets.pem; key releases.pem; key online.pem
    init REPO --root-key a.pem.pub --root-key b.pem.pub --root-key c.pem.pub --targets-key targets.pem.pub
              --releases-key releases.pem.pub --online-key online.pem.pub
    add-release REPO wheels/*.whl --changelog en=CHANGES.en.md --changelog ko=CHANGES.ko.md
    sign REPO --key a.pem        (each key on its own machine: see carry and collect)
    sign REPO --key b.pem; sign REPO --key targets.pem; sign REPO --key releases.pem
    publish REPO --online-key online.pem
    renew REPO --online-key online.pem       (daily, from cron)

docs/releases.md has the whole walk, with the offline machine in it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ops.release.command_line import read_command_line
from ops.release.errors import ReleaseToolError
from ops.release.publishing import publish, renew
from ops.release.releasing import add_release_files, describe_release
from ops.release.roles import firmware_role
from ops.release.signing import describe, load_key, make_key, public_file, read_public
from ops.release.workshop import Workshop
from tpayd.integrity.errors import IntegrityError

__all__ = ["COMMANDS", "main"]


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused, 2 wrong use."""
    told = read_command_line(arguments, __doc__ or "")
    try:
        COMMANDS[told.command](told)
    except (ReleaseToolError, IntegrityError, OSError, ValueError) as error:
        print(f"{told.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _key(told: argparse.Namespace) -> None:
    key = make_key(told.file, _passphrase(told))
    print(f"{told.file}: keep it; {public_file(told.file)}: hand it on; its id is {key.keyid}")


def _init(told: argparse.Namespace) -> None:
    workshop = Workshop.make(
        told.repository, root_keys=[read_public(path) for path in told.root_key], threshold=told.threshold,
        targets_key=read_public(told.targets_key), releases_key=read_public(told.releases_key),
        online_key=read_public(told.online_key),
    )  # fmt: skip
    _tell(workshop)


def _add_release(told: argparse.Namespace) -> None:
    changelog = {}
    for each in told.changelog:
        language, _, path = each.partition("=")
        changelog[language] = Path(path).read_text(encoding="utf-8")
    workshop = Workshop(told.repository)
    release = describe_release(
        told.wheels, min_from=told.min_from, changelog=changelog, published_at=datetime.now(UTC),
        file_list=told.file_list is not None,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        description = Path(directory) / "release.json"
        workshop.put("releases", add_release_files(release, told.wheels, description, told.file_list))
    print(f"release {release.version}: {len(release.wheels)} wheels, journal {release.journal_revision}")
    _tell(workshop)


def _add_vendor(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    workshop.delegate(firmware_role(told.vendor), [read_public(path) for path in told.key], told.threshold)
    _tell(workshop)


def _remove_vendor(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    workshop.end_delegation(firmware_role(told.vendor))
    _tell(workshop)


def _add_firmware(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    files = {f"firmware/{told.vendor}/{path.name}": path for path in told.files}
    workshop.put(firmware_role(told.vendor), files)
    _tell(workshop)


def _withdraw(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    parts = told.target.split("/")
    workshop.withdraw(firmware_role(parts[1]) if parts[0] == "firmware" else "releases", told.target)
    _tell(workshop)


def _extend(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    workshop.stage(told.role, workshop.change(told.role))
    _tell(workshop)


def _rotate(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    staged = workshop.rotate(told.role, told.old, read_public(told.new))
    print(f"to be signed for it: {', '.join(staged)}")
    _tell(workshop)


def _carry(told: argparse.Namespace) -> None:
    Workshop(told.repository).carry(told.to)
    print(f"{told.to}: carry it to the signers; there: sign {told.to} --key …; back here: collect")


def _collect(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    for role, count in workshop.collect(Workshop(told.carried)).items():
        print(f"{role}: {count} new signature(s)")
    _tell(workshop)


def _sign(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    signer = load_key(told.key, _passphrase(told))
    mine = [role for role in workshop.roles() if workshop.may_sign(role, signer)]
    if not mine:
        raise ReleaseToolError("this key has nothing to sign here; `status` says which keys are waited for")
    for role in mine:
        print(describe(workshop.current(role), role))
    if not told.yes and input("Sign this? Type yes: ").strip() != "yes":
        raise ReleaseToolError("nothing was signed")
    for role in mine:
        workshop.sign(role, signer)
    _tell(workshop)


def _publish(told: argparse.Namespace) -> None:
    workshop = Workshop(told.repository)
    published = publish(workshop, load_key(told.online_key, _passphrase(told)))
    print(f"published: {', '.join(published) or 'nothing but a new snapshot and timestamp'}")
    _tell(workshop)


def _renew(told: argparse.Namespace) -> None:
    print(renew(Workshop(told.repository), load_key(told.online_key, _passphrase(told))))


def _status(told: argparse.Namespace) -> None:
    _tell(Workshop(told.repository))


def _tell(workshop: Workshop) -> None:
    for role in workshop.roles():
        published, staged = workshop.published(role), workshop.staged_role(role)
        said = f"{role:20}"
        if published is not None:
            left = published.signed.expires - workshop.now
            said += f" version {published.signed.version}, valid for {max(0, left.days)} more days;"
        if staged is not None:
            missing = workshop.missing(role)
            waits = f"waits for {missing} signature(s)" if missing else "signed: publish it"
            said += f" version {staged.signed.version} staged, {waits}"
        print(said.rstrip("; "))
        if role != "snapshot":
            keys = workshop.delegator(role).get_delegated_role(role).keyids
            print(f"{'':20} keys {', '.join(key[:16] for key in sorted(keys))}")


COMMANDS = {
    "key": _key, "init": _init, "add-release": _add_release, "add-vendor": _add_vendor,
    "remove-vendor": _remove_vendor, "add-firmware": _add_firmware,
    "withdraw": _withdraw, "extend": _extend, "rotate": _rotate, "carry": _carry, "collect": _collect, "sign": _sign,
    "publish": _publish, "renew": _renew, "status": _status,
}  # fmt: skip


def _passphrase(told: argparse.Namespace) -> bytes | None:
    path: Path | None = told.passphrase_file
    return None if path is None else path.read_bytes().splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
