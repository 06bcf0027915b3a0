"""Every test of the journal runs on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.journals import ENGINES, Place


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for a journal: a file, and a PostgreSQL database."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return Place.make(request.param, tmp_path, server)
