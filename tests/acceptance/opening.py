"""From nothing to a store that can sell: found it, find its readers, give them their keys, test them."""

from __future__ import annotations

from tests.acceptance.command import Command
from tests.harness.ports import free_block

__all__ = ["open_store", "take_in"]

PORTS = 32
"""Successive ports that an instance has for itself."""


def open_store(user: Command, *, lanes: int, readers: int, spare: str) -> None:
    """Leave a store ready to sell with so many readers, and one more, `spare`, in the drawer.

    Raises CommandFailedError.
    """
    port = free_block(PORTS)
    words = ["--lanes", str(lanes), "--readers", str(readers + 1), "--unassigned", "--port-base", str(port)]
    user.run("init", "--sandbox", "--unsigned", *words)
    user.run("up")
    user.run("sandbox", "reader", spare, "--unplug")
    user.run("devices", "scan", "--apply")
    user.run("keys", "exchange", "--all")
    user.run("devices", "test", "--all")
    user.run("wait-ready")


def take_in(user: Command) -> str:
    """Find the reader that was just plugged in, and give it its key; its name. Raises CommandFailedError."""
    before = _names(user)
    user.run("devices", "scan", "--apply")
    (found,) = _names(user) - before
    user.run("keys", "exchange", "--reader", found)
    return found


def _names(user: Command) -> set[str]:
    return {device["name"] for device in user.run("devices", "list")["devices"]}
