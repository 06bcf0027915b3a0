"""Looks at a release that was installed, before any payment is held back for it. Blocks.

Whatever can be known beforehand should be: a settings file that the new version refuses, a file that nobody signed, a
module that does not import. What is left is for the trial.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

from tpayd.integrity.checking import check
from tpayd.integrity.environment import Environment
from tpayd.integrity.trust import own_key_file, trust_file
from tpayd.kit.instance import Instance
from tpayd.updater.refusals import NotInstalledError
from tpayd.updater.staging import run_in

__all__ = ["examine", "integrity_enforced", "require_signing_key"]

_CHECK_LIMIT_S = 120.0
_RUN_LIMIT_S = 120.0
_BYTECODE_VARIABLE = "TPAYD_BYTECODE"
"""Where the launcher keeps the bytecode of what it starts; what is compiled there now, the switch need not wait for."""


def examine(instance: Instance, environment: Path, version: str, *, signed: bool) -> None:
    """Raises NotInstalledError, which says what is wrong."""
    if signed:
        checked = check(Environment.at(environment), trust_file(instance.config), limit_s=_CHECK_LIMIT_S, nice=15)
        if not checked.passed:
            raise NotInstalledError(
                f"{version} would not pass the integrity check, so it could take no payment: {checked.faults[0].text}"
            )
    _run(instance, environment, version, "-m", "tpayd.supervision.prepare", "--try")
    told = _run(instance, environment, version, "-m", "tpayd", "settings", "check", "--json", may_fail=True)
    problems = _problems(told)
    if problems:
        raise NotInstalledError(f"{version} refuses the settings of this store: {problems}")


def integrity_enforced(instance: Instance) -> bool:
    """Whether this store checks its installed files, so that new ones have to be signed too."""
    try:
        told = tomllib.loads(instance.settings_file("key_manager").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return bool(told.get("integrity", "enforced") != "off")


def require_signing_key(instance: Instance) -> None:
    """Raises NotInstalledError where nothing that is installed here could be signed: no need to fetch it then."""
    key = own_key_file(instance.secrets)
    if not os.access(key, os.R_OK):
        raise NotInstalledError(
            f"this store checks its files, and the updater cannot read {key}, which signs what is installed here: put "
            "the key there, then `tpayd down; tpayd up`; or install the release by hand (docs/updates.md, 'Signing')"
        )


def _run(instance: Instance, environment: Path, version: str, *arguments: str, may_fail: bool = False) -> str:
    bytecode = os.environ.get(_BYTECODE_VARIABLE)
    options = ["-X", f"pycache_prefix={bytecode}"] if bytecode else ["-B"]
    try:
        done = run_in(environment, *arguments, home=instance.home, limit_s=_RUN_LIMIT_S, options=options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"{version} cannot be run: {error}") from error
    if done.returncode and not may_fail:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalledError(f"{version} cannot be run: {lines[-1][:300] if lines else 'it says nothing'}")
    return done.stdout


def _problems(told: str) -> str:
    try:
        files = json.loads(told)["files"]
        return "; ".join(f"{each['file']}: {each['problem']}" for each in files if each["problem"])
    except (ValueError, KeyError, TypeError):
        return "it does not say which"
