"""What this machine can run."""

from __future__ import annotations

from packaging.tags import sys_tags

__all__ = ["supported_tags"]


def supported_tags() -> tuple[str, ...]:
    """The wheels that this interpreter takes, best first, each as `cp311-cp311-manylinux_2_28_x86_64`."""
    return tuple(str(tag) for tag in sys_tags())
