"""docs/pos-protocol.md says what the contract says."""

from __future__ import annotations

import re

import pytest

from tpayd_contracts import pos_protocol
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentState
from tpayd_contracts.version import CONTRACT_VERSION

PAGE = pos_protocol.PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_its_generated_parts_are_what_the_contract_gives() -> None:
    """Operations, types, events, and the bytes of a whole sale."""
    assert PAGE == pos_protocol.render(PAGE)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_its_way_out(code: ErrorCode) -> None:
    """A row of its own."""
    assert 1 == section("Errors").count(f"\n| `{code.value}` |")


@pytest.mark.parametrize("state", PaymentState)
def test_every_state_has_its_verdict(state: PaymentState) -> None:
    """In the table of states."""
    rows = [line for line in section("Verdicts and states").splitlines() if line.startswith("| `")]
    assert 1 == sum(f"`{state.value}`" in row.split("|")[1] for row in rows)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_explained(kind: Kind) -> None:
    """By number and name."""
    assert f"| {kind.value} | {kind.name} |" in section("Kinds")


def test_it_names_the_present_version() -> None:
    """At its head, and in the list of changes."""
    assert f"**Contract version {CONTRACT_VERSION}.**" in PAGE
    assert f"| {CONTRACT_VERSION} |" in section("Versioning")


def test_every_link_within_the_page_leads_somewhere() -> None:
    """Anchors are made from headings as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - anchors
