"""What the release tools are told, and what their --help teaches."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["read_command_line"]

_MORE = {
    "key": """Make it on the machine where it stays. Root, targets and releases keys belong on machines without a
network, or on media in a safe, with a passphrase. Only FILE.pub travels.""",
    "init": """Give the public halves. Afterwards: sign with 2 of the root keys, the targets key and the releases
key, publish, and hand metadata/1.root.json to stores by a way they trust (the installation medium):
it is what they pin.""",
    "add-release": """Version, Python, journal and key store are read from tpayd's own wheel. Wheels that earlier
releases have are neither stored nor fetched a second time. For several kinds of machine give each compiled
package's wheels for all. Wheels of all that it needs:
  pip download --only-binary :all: --dest wheels 'dist/tpayd-0.2.0-py3-none-any.whl[store]'""",
    "add-vendor": """The delegation ends at that path: whoever steals the vendor's key can sign firmware of this
vendor's readers and nothing else, and no other role is asked for it. Sign with targets (it delegates), and
with the vendor's key.""",
    "remove-vendor": """Sign with targets. Stores take nothing more from it, whatever it has signed; what they have
installed stays.""",
    "add-firmware": """Both files of each version: the image, and the description that docs/firmware.md explains. The
vendor signs: carry the medium to it, or let it run this command in its own copy and carry the
result back.""",
    "withdraw": """Stores that have it keep it. To be signed by the role that listed it.""",
    "extend": """Before its validity ends: `status` shows the days left. A store refuses what has expired.""",
    "rotate": """Lost or stolen: rotate at once. For root, the old keys still sign this change (2 of them), and so do
the new ones; stores follow the chain of roots. For snapshot and timestamp, root signs; publish with
the new key. An attacker who had run ahead with version numbers is forgotten by that too. For
releases and firmware, targets signs, and then the new key.""",
    "carry": """The copy holds public metadata and what is staged: no private key, no wheels. On the other machine,
which needs this project and no network:
  python -m ops.release.repository sign /media/usb/carried --key a.pem""",
    "collect": """A medium for each signer, or one that goes round. What changed here since is refused.""",
    "sign": """It shows all that would be signed: which keys count, or which files with their hashes. Compare, then
type yes.""",
    "publish": """Everything is checked as a store would. The timestamp is replaced last, so a store sees the old
state or the new one. Copy targets/ and metadata/ to the web server in that order, timestamp.json
last:
  rsync -a REPO/targets/ SERVER:targets/; rsync -a --exclude timestamp.json REPO/metadata/ SERVER:metadata/
  rsync -a REPO/metadata/timestamp.json SERVER:metadata/""",
    "renew": """Daily, from cron. A store that sees nothing newer for two days says that somebody holds releases
back.""",
}


def read_command_line(arguments: list[str] | None, description: str) -> argparse.Namespace:
    """Ends the process with status 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="repository", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_text: str, more: str = "", *, repository: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.\n\n{more}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        if repository:
            made.add_argument("repository", type=Path, help="the repository's directory")
        return made

    key = command("key", "make a signing key (Ed25519)", _MORE["key"], repository=False)
    key.add_argument("file", type=Path, help="the private key to be; its public half goes to FILE.pub")
    init = command("init", "begin a repository", _MORE["init"])
    init.add_argument("--root-key", type=Path, action="append", required=True, help="public; once for each holder")
    init.add_argument("--threshold", type=int, default=2, help="how many of them must sign (default: 2)")
    for role in ("targets", "releases", "online"):
        init.add_argument(f"--{role}-key", type=Path, required=True, help="public")
    release = command("add-release", "stage a release, from its wheels", _MORE["add-release"])
    release.add_argument("wheels", type=Path, nargs="+", help="all of them, dependencies too")
    release.add_argument("--min-from", default="0.1.0", help="oldest version that may update to it (default: 0.1.0)")
    release.add_argument(
        "--changelog", action="append", default=[], metavar="LANGUAGE=FILE", help="ko=…, en=…: Markdown"
    )
    release.add_argument("--file-list", type=Path, help="the signed list of its files (docs/integrity.md)")
    vendor = command("add-vendor", "let a firmware vendor sign below its own path", _MORE["add-vendor"])
    vendor.add_argument("vendor", help="a-z, 0-9, - and _: the path is firmware/<vendor>/")
    vendor.add_argument(
        "--key", type=Path, action="append", required=True, help="the vendor's, public; may be repeated"
    )
    vendor.add_argument("--threshold", type=int, default=1, help="how many of them must sign (default: 1)")
    gone = command("remove-vendor", "let a firmware vendor sign nothing any more", _MORE["remove-vendor"])
    gone.add_argument("vendor")
    firmware = command("add-firmware", "stage a vendor's files", _MORE["add-firmware"])
    firmware.add_argument("vendor")
    firmware.add_argument("files", type=Path, nargs="+", help="image and description; published under their own names")
    withdraw = command("withdraw", "stage that a file is offered no more", _MORE["withdraw"])
    withdraw.add_argument("target", help="releases/0.2.0.json, firmware/acme/…")
    extend = command("extend", "stage a role unchanged, to be signed for another term", _MORE["extend"])
    extend.add_argument("role")
    rotate = command("rotate", "stage another key in the place of one", _MORE["rotate"])
    rotate.add_argument("role", help="root, targets, snapshot, timestamp, releases, firmware-<vendor>")
    rotate.add_argument("--old", required=True, help="the beginning of the old key's id, as `status` shows it")
    rotate.add_argument("--new", type=Path, required=True, help="the new key, public")
    carry = command("carry", "copy to a medium what signers need", _MORE["carry"])
    carry.add_argument("to", type=Path, help="a new directory on the medium")
    collect = command("collect", "take the signatures from a medium that came back", _MORE["collect"])
    collect.add_argument("carried", type=Path, help="the directory on the medium")
    sign = command("sign", "sign all that waits for this key, after showing it", _MORE["sign"])
    sign.add_argument("--key", type=Path, required=True)
    sign.add_argument("--yes", action="store_true", help="do not ask: for scripts that have shown it otherwise")
    for name, text in (
        ("publish", "publish what is signed"),
        ("renew", "vouch for what is published, for two more days"),
    ):
        made = command(name, text, _MORE[name])
        made.add_argument("--online-key", type=Path, required=True, help="private: of snapshot and timestamp")
        made.add_argument("--passphrase-file", type=Path, help="its first line protects the private key")
    for made in (key, sign):
        made.add_argument("--passphrase-file", type=Path, help="its first line protects the private key")
    command("status", "show the roles, until when they hold, and what is waited for")
    return parser.parse_args(arguments)
