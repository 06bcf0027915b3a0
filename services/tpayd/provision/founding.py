"""Makes a new instance, in an order that survives being interrupted."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from tpayd.gateway.clients import ALL_LANES, ClientRegistry
from tpayd.kit.instance import OWNER_CLIENT, Instance
from tpayd.provision.model import NoSuchSettingError, fill
from tpayd.provision.plan import Plan
from tpayd.provision.secrets import write_secret
from tpayd.provision.values import LOGS_PASSWORD_FILE, VENDOR_KEY_FILE, settings_values
from tpayd.sandbox.logs.identity import PASSWORD, VENDOR_KEY
from tpayd.shipped import shipped
from tpayd.transaction.terminals.files import PasswordFile, RegisterFile
from tpayd.transaction.terminals.password import PasswordRecord
from tpayd.transaction.terminals.register import ProfileRegister, Register
from tpayd_contracts.operation import Right
from tpayd_contracts.terminal import TERMINALS_MAX, Terminal

__all__ = ["AlreadyFoundError", "found", "make_sandbox"]

_PASSPHRASE_FILE = "key_manager.passphrase"  # noqa: S105 (a file's name)
"""As config/key_manager.toml names it."""
_CARDS = "sandbox_cards"
"""No settings: the sandbox's card list, the one file of an instance that holds card numbers."""
_LAST = "store"
"""An instance exists when it has this file; whatever was written before can be written again."""


class AlreadyFoundError(Exception):
    """There is an instance in this directory. Its settings are the owner's; nothing was changed."""


def found(plan: Plan, home: Path | None = None, extra: Mapping[str, Mapping[str, object]] | None = None) -> Instance:
    """Make an instance in `home` (else where `Instance.open` looks). `extra` adds settings by file.

    Raises AlreadyFoundError, InstanceError, NoSuchSettingError.
    """
    instance = Instance.open(home)
    if instance.settings_file(_LAST).exists():
        raise AlreadyFoundError(f"{instance.home} holds an instance already; nothing was changed")
    values = {name: dict(told) for name, told in settings_values(plan).items()}
    for name, told in (extra or {}).items():
        values.setdefault(name, {}).update(told)
    models = {model.stem: model for model in shipped("config").glob("*.toml")}
    del models[_CARDS]
    for name in values.keys() - models.keys():
        raise NoSuchSettingError(f"config/{name}.toml")
    write_secret(instance.secrets / _PASSPHRASE_FILE)
    if plan.sandbox:
        make_sandbox(instance)
        RegisterFile(instance.data).write(_sandbox_terminals(values["store"]))
    if plan.password is not None:
        PasswordFile(instance.secrets).write(PasswordRecord.of(plan.password))
    for name in sorted(models, key=lambda name: (name == _LAST, name)):
        text = models[name].read_text(encoding="utf-8")
        if name == _LAST:
            _register_owner(instance)
        _write(instance.settings_file(name), fill(text, values.get(name, {})))
    return instance


def make_sandbox(instance: Instance) -> None:
    """The place of the sandbox's own host and readers, with its test cards; what is there stays. Raises OSError."""
    instance.sandbox.mkdir(mode=0o750, exist_ok=True)
    write_secret(instance.home / LOGS_PASSWORD_FILE, PASSWORD)
    write_secret(instance.home / VENDOR_KEY_FILE, VENDOR_KEY)
    cards = instance.sandbox / "cards.toml"
    if not cards.exists():
        _write(cards, (shipped("config") / f"{_CARDS}.toml").read_text(encoding="utf-8"))


def _register_owner(instance: Instance) -> None:
    """Whoever owns the instance may use the command line as an administrator, by uid and without a key."""
    registry = ClientRegistry.open(instance)
    if OWNER_CLIENT not in registry.list():
        registry.add(OWNER_CLIENT, (ALL_LANES,), Right.ADMIN, os.geteuid()).unlink()


def _sandbox_terminals(store: Mapping[str, object]) -> Register:
    """Every lane of a sandbox sells at once: its terminals are open from the start, and marked as the sandbox's.

    More than the list can hold can't be opened at all, so prevention is off then.
    """
    lanes = cast("list[dict[str, str]]", store["lanes"])
    now_ms, number = time.time_ns() // 1_000_000, str(store["merchant.business_number"])
    terminals = tuple(Terminal(lane["terminal_id"], number, now_ms, sandbox=True) for lane in lanes[:TERMINALS_MAX])
    register = Register(fraud_cancel_prevention=len(lanes) <= TERMINALS_MAX)
    return register.put(str(store["host_profile"]), ProfileRegister(terminals))


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o640)
    partial.replace(path)
