"""Signs the installation on the machine where it lies, and has the instance trust that key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tpayd.integrity.envelope import key_id
from tpayd.integrity.environment import Environment, isolated_paths
from tpayd.integrity.errors import NotSignableError, TrustFileError
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind
from tpayd.integrity.signing import installation_manifest
from tpayd.integrity.trust import (
    load_signing_key,
    make_signing_key,
    own_key_file,
    parse_public,
    public_line,
    read_trust,
    trust_file,
)
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance

__all__ = ["SignedInstallation", "sign_installation", "trust_key"]

_LIST_MODE = 0o644
_TRUST_MODE = 0o640


@dataclass(frozen=True)
class SignedInstallation:
    """What was signed."""

    root: Path
    files: int
    key_id: str


def sign_installation(instance: Instance, key_file: Path | None, version: str, now_ms: int) -> SignedInstallation:
    """List and sign the environment that this process runs from; a few seconds.

    Without `key_file`, with the instance's own key; and where the instance trusts no key yet, it trusts this one now.

    Raises NotSignableError, TrustFileError, OSError.
    """
    environment = _own_environment()
    key = load_signing_key(key_file) if key_file is not None else _own_key(own_key_file(instance.secrets))
    trusted = read_trust(trust_file(instance.config)).of(Kind.INSTALLATION)
    name = key_id(key.public_key())
    if trusted and name not in trusted:
        raise TrustFileError(
            f"{trust_file(instance.config)} trusts other keys ({', '.join(trusted)}), not {name}: sign with one of "
            "them (--key), or trust this one first: "
            f"tpayd integrity trust {public_line(Kind.INSTALLATION, key.public_key()).strip()}"
        )
    manifest = installation_manifest(environment, version, now_ms)
    replace_file(environment.root / MANIFEST_NAMES[Kind.INSTALLATION], manifest.signed(key), _LIST_MODE)
    if not trusted:
        _add(instance, Kind.INSTALLATION, key.public_key(), "made by `tpayd integrity sign`")
    return SignedInstallation(environment.root, len(manifest.files), name)


def trust_key(instance: Instance, kind: Kind, public: str, comment: str) -> str:
    """Pin a public key (`ed25519:…`) from now on; its id. Raises TrustFileError, OSError."""
    try:
        key = parse_public(public)
    except ValueError:
        raise TrustFileError(f"{public!r} is no public key; expected ed25519: and 32 bytes in base64") from None
    name = key_id(key)
    if name not in read_trust(trust_file(instance.config)).of(kind):
        _add(instance, kind, key, comment)
    return name


def _own_environment() -> Environment:
    """Raises NotSignableError."""
    environment = Environment.current()
    if environment is None:
        raise NotSignableError(
            "this Python is shared with the system: install tpayd into an environment of its own (python3 -m venv)"
        )
    foreign = environment.foreign_paths(isolated_paths())
    if foreign:
        raise NotSignableError(
            f"Python also imports from {', '.join(foreign)}: an editable installation cannot be signed, install the "
            "wheel; to work on a source tree, `tpayd init --sandbox --unsigned`"
        )
    return environment


def _own_key(path: Path) -> Ed25519PrivateKey:
    return load_signing_key(path) if path.exists() else make_signing_key(path)


def _add(instance: Instance, kind: Kind, key: Ed25519PublicKey, comment: str) -> None:
    path = trust_file(instance.config)
    before = path.read_bytes() if path.exists() else _HEAD
    replace_file(path, before + public_line(kind, key, comment).encode(), _TRUST_MODE)


_HEAD = b"""# Whose signature on the installed files counts: one key a line, "<role> ed25519:<base64>  # comment".
# Roles: installation (signs on this machine), release (the vendor's). docs/integrity.md explains them.
"""
