"""Firmware into readers: what is noted of it on disk, the talk on a line of its own, and the two operations."""

from __future__ import annotations

__all__: list[str] = []
