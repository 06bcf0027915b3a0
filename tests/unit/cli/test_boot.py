"""Whether an instance starts at boot (T3)."""

from __future__ import annotations

from pathlib import Path

from tpayd.cli.commands.status import starts_at_boot

HOME = Path("/srv/store")


def unit(place: Path, home: Path, *, enabled: bool) -> None:
    file = place / "tpayd.service"
    file.write_text(f"[Service]\nEnvironment=TPAYD_HOME={home}\nExecStart=tpayd up --foreground\n")
    if enabled:
        (place / "multi-user.target.wants").mkdir()
        (place / "multi-user.target.wants" / "tpayd.service").symlink_to(file)


def test_only_an_enabled_unit_counts(tmp_path: Path) -> None:
    """A unit file that nobody enabled starts nothing."""
    unit(tmp_path, HOME, enabled=False)

    assert not starts_at_boot(HOME, [tmp_path])


def test_a_unit_of_another_instance_does_not_count(tmp_path: Path) -> None:
    """Two instances on a machine are two units."""
    unit(tmp_path, Path("/srv/other"), enabled=True)

    assert not starts_at_boot(HOME, [tmp_path])


def test_an_enabled_unit_of_this_instance_counts(tmp_path: Path) -> None:
    """Then status says nothing of a missing start at boot."""
    unit(tmp_path, HOME, enabled=True)

    assert starts_at_boot(HOME, [tmp_path / "missing", tmp_path])
