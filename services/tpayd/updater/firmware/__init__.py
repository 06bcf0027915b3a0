"""Readers' firmware: what vendors offer, what fits which reader, and the way from the one into the other."""

from __future__ import annotations

__all__: list[str] = []
