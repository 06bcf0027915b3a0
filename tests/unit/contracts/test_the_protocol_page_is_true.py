"""docs/pos-protocol.md says what the contract says."""

from __future__ import annotations

import re

import msgspec
import pytest

from tpayd.transaction.orders.wallets import WALLETS, provider_of
from tpayd.transaction.settings import TransactionSettings
from tpayd_contracts import pos_protocol
from tpayd_contracts.catalogue import PUBLIC_OPS
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.orders import MEMBERSHIP_READ, ORDERS
from tpayd_contracts.payment import CONFIRM, PaymentState
from tpayd_contracts.version import CONTRACT_VERSION

PAGE = pos_protocol.PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_its_generated_parts_are_what_the_contract_gives() -> None:
    """Operations, types, events, and the bytes of a whole sale."""
    assert PAGE == pos_protocol.render(PAGE)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_its_way_out(code: ErrorCode) -> None:
    """A row of its own, with nothing left empty."""
    rows = [line for line in section("Errors").splitlines() if line.startswith(f"| `{code.value}` |")]
    assert [True] == [all(cell.strip() for cell in row.split("|")[1:-1]) for row in rows]


@pytest.mark.parametrize("state", PaymentState)
def test_every_state_has_its_verdict(state: PaymentState) -> None:
    """In the table of states."""
    rows = [line for line in section("Verdicts and states").splitlines() if line.startswith("| `")]
    assert 1 == sum(f"`{state.value}`" in row.split("|")[1] for row in rows)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_explained(kind: Kind) -> None:
    """By number and name."""
    assert f"| {kind.value} | {kind.name} |" in section("Kinds")


def test_everything_that_can_be_ordered_is_shown() -> None:
    """Each order has its row and an example, and every example is a request that would be taken."""
    chapter = section("What can be ordered")
    examples = [msgspec.json.decode(block) for block in re.findall(r"```json\n(.+?)```", chapter, re.DOTALL)]
    orders = {op.name for op in (*ORDERS, MEMBERSHIP_READ)}
    assert orders == set(re.findall(r"^\| \[`([a-z_.]+)`\]", chapter, re.MULTILINE))
    assert orders | {CONFIRM.name} == {example["op"] for example in examples}
    for example in examples:
        msgspec.convert(example["body"], PUBLIC_OPS[example["op"]].request)


def test_every_wallet_is_listed_in_the_order_of_trial() -> None:
    """With a code that is known as its own."""
    rows = re.findall(r"^\| `(\w+)` \|.+\| `([^`]+)` \|$", section("What can be ordered"), re.MULTILINE)
    assert [name for _, name in WALLETS] == [name for name, _ in rows]
    assert [name for name, _ in rows] == [provider_of(code) for _, code in rows]


def test_the_waits_and_limits_of_orders_are_the_default_settings() -> None:
    """As the page words them."""
    chapter, settings = section("What can be ordered"), TransactionSettings()
    for words in (
        f"above {settings.no_signature_limit_minor:,} won (the store's `no_signature_limit_minor`)",
        f"for {settings.inquiry_limit_s:.0f} s at most",
        f"within {settings.confirm_wait_s:.0f} s (`confirm_wait_s`)",
    ):
        assert words in chapter.replace("\n", " ")
    assert 5 * 60 == settings.duplicate_window_s


def test_it_names_the_present_version() -> None:
    """At its head, and in the list of changes."""
    assert f"**Contract version {CONTRACT_VERSION}.**" in PAGE
    assert f"| {CONTRACT_VERSION} |" in section("Versioning")


def test_every_link_within_the_page_leads_somewhere() -> None:
    """Anchors are made from headings as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - anchors
