"""A daemon serves its own contract minor and the one before; nothing else."""

from __future__ import annotations

import pytest

from tpayd_contracts.version import CONTRACT_VERSION, ContractVersion, accepts


@pytest.mark.parametrize(
    ("theirs", "served"),
    [("2.3", True), ("2.2", True), ("2.1", False), ("2.4", False), ("1.3", False), ("3.3", False), ("1.4", False)],
)
def test_own_minor_and_the_one_before_are_served(theirs: str, served: bool) -> None:
    """N and N-1 of the same major; newer minors, older minors and other majors are not."""
    assert served == accepts(ContractVersion.parse(theirs), ours=ContractVersion(2, 3))


def test_the_first_minor_has_none_before_it() -> None:
    """2.0 does not serve 1.x, however high x."""
    assert [False, False] == [accepts(ContractVersion(1, minor), ours=ContractVersion(2, 0)) for minor in (0, 9)]


def test_the_daemon_serves_itself() -> None:
    """The version in force is accepted."""
    assert accepts(CONTRACT_VERSION)


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "1.0.0", "v1.0", "1.0 ", "-1.0", "1.-1", "１.０", "1.0\n"])
def test_what_is_not_major_minor_is_refused(text: str) -> None:
    """A version that cannot be read is refused in words, never guessed."""
    with pytest.raises(ValueError, match=r"a contract version is 'major\.minor'"):
        ContractVersion.parse(text)


def test_a_version_survives_its_text() -> None:
    """Text and value are the same thing."""
    assert ContractVersion(12, 34) == ContractVersion.parse(str(ContractVersion(12, 34)))


def test_versions_order_by_number() -> None:
    """1.10 comes after 1.9."""
    assert ContractVersion(1, 9) < ContractVersion(1, 10)
