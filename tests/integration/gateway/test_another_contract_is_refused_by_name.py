"""HELLO settles the contract version before anything else."""

from __future__ import annotations

import pytest

from tests.integration.gateway.shop import ERROR, REPLY, Shop


@pytest.mark.parametrize("theirs", ["2.0", "0.9", "1.1", "9999.0"])
def test_another_major_or_a_newer_minor_is_refused_naming_both(shop: Shop, theirs: str) -> None:
    """The one who reads the message knows which side to update."""
    with shop.client() as client:
        answer = client.hello(contract=theirs)
    assert ERROR == answer[1]
    assert ("unsupported_version", "not_started", "$.contract") == (
        answer[9]["code"],
        answer[9]["outcome"],
        answer[9]["field"],
    )
    assert theirs in answer[9]["message"]
    assert "1.0" in answer[9]["message"]


@pytest.mark.parametrize("theirs", ["one", "1", "1.0.0", "", "1.x", "-1.0"])
def test_what_is_no_version_is_a_bad_field(shop: Shop, theirs: str) -> None:
    """`major.minor`, and nothing else."""
    with shop.client() as client:
        answer = client.hello(contract=theirs)
    assert ("invalid_body", "$.contract") == (answer[9]["code"], answer[9]["field"])


def test_the_daemons_own_version_is_welcome(shop: Shop) -> None:
    """The answer tells lanes, right and limits."""
    with shop.client() as client:
        answer = client.hello()
    assert REPLY == answer[1]
    assert (["1"], "pos", "1.0", True) == tuple(answer[9][name] for name in ("lanes", "right", "contract", "sandbox"))
