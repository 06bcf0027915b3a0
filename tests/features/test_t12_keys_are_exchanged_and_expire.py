"""T12, key exchange [키교환]: by hand and when due, two phases, warnings, a hard stop, and a time that nobody sets.

Through the real processes, at the command line and over the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import time_ns
from typing import Any

import pytest

from tests.features.key_shop import DAY_MS, KeyShop, Sale, of_reader
from tests.harness import Store, eventually
from tests.harness.command_line import tpayd
from tests.harness.inquiring import NEVER_WAS, inquire
from tpayd_client import TpaydError
from tpayd_client.types import ErrorCode, Reason, Verdict
from tpayd_contracts.keys import KeyUsage, Purpose
from tpayd_contracts.sandbox import HostMode, HostRequest

pytestmark = pytest.mark.timeout(300)

HOUR_MS = 3_600_000
KEYS = {"sweep_s": 1.0, "renew_before_days": 0, "host_answer_s": 4.0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyShop]:
    with Store(tmp_path_factory.mktemp("t12"), lanes=2, readers=2, settings={"key_manager": KEYS}) as store:
        store.open_shop(card="visa-ic")
        with store.client() as pos:
            yield KeyShop(store, pos)


@pytest.fixture(autouse=True)
def fresh_keys(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to the keys, the next one has fresh ones."""
    yield
    if "shop" in request.fixturenames:
        opened: KeyShop = request.getfixturevalue("shop")
        opened.store.sandbox.host(HostMode.APPROVE)
        opened.store.hold_cards("visa-ic")
        opened.exchange_all()


def test_an_exchange_starts_three_years(shop: KeyShop) -> None:
    """By hand, at the command line, for terminals and readers; the list shows how long each lives and no key."""
    done = tpayd("keys", "exchange", "--all", home=shop.store.instance.home)
    listed = tpayd("keys", "list", "--json", home=shop.store.instance.home).json["keys"]
    active = [key for key in listed if key["state"] == "active"]
    assert (0, 4) == (done.status, len(active))
    assert {1095 * DAY_MS} == {key["expires_at_ms"] - key["injected_at_ms"] for key in active}
    assert {1095} == {key["days_left"] for key in active}


def test_the_owner_is_warned_and_sees_it_everywhere(shop: KeyShop) -> None:
    """30 days ahead: one event, `tpayd status`, `tpayd keys list`, and metrics count down."""
    heard: list[Any] = []
    shop.pos.subscribe(["key.event"], lambda _, event: heard.append(event))

    def warned() -> list[int]:
        return [told.days_left for told in heard if (told.happened, told.device) == ("expires_soon", "reader-1")]

    for margin_s in (5, 15, 40):  # the gateway has to hear the new key manager by then
        shop.redate(30 * DAY_MS + margin_s * 1000, of_reader("reader-1"))
        for _ in range(margin_s + 5):
            shop.pos.listen(1)
            if 30 in warned():
                break
        else:
            continue
        break
    shop.pos.listen(2)
    assert [30] == [days for days in warned() if days <= 30]
    home = shop.store.instance.home
    assert "reader-1: expires in 30 days" in tpayd("status", home=home).out
    (key,) = [
        key for key in tpayd("keys", "list", "--json", home=home).json["keys"]
        if key.get("device") == "reader-1" and key["state"] == "active"
    ]  # fmt: skip
    assert (30, True) == (key["days_left"], "`tpayd keys exchange --reader reader-1`" in key["note"])
    assert 29.9 < shop.metric('tpayd_key_manager_expiry_seconds{usage="reader_data"}') / 86_400 <= 30
    assert 29.9 * 86_400 < shop.metric("tpayd_key_manager_soonest_expiry_seconds") < 30 * 86_400
    entries = tpayd("keys", "audit", "show", "--json", "--last", "1000", home=home).json["entries"]
    last_date = max(entry["number"] for entry in entries if entry["event"] == "date")
    warnings = [entry["detail"] for entry in entries if entry["event"] == "warn" and entry["number"] > last_date]
    # Where the first look came late, 90 days ahead was over already, and only the more urgent is told.
    assert (1, "30 days ahead") == (warnings.count("30 days ahead"), warnings[-1])


def test_a_reader_whose_key_expired_serves_nobody_and_the_other_serves_all(shop: KeyShop) -> None:
    """Its lanes go to the other reader; the list says why, and an exchange brings it back."""
    shop.redate(-1, of_reader("reader-1"))
    shop.wait_bars("reader-1", barred=True)
    shop.store.sandbox.auto("reader-1", "")
    assert [Verdict.PAID] * 4 == [shop.sale(lane).verdict for lane in ("1", "2", "1", "2")]
    (bar,) = shop.device("reader-1").bars
    assert "its key has expired: `tpayd keys exchange --reader reader-1`" == bar.why
    eventually(lambda: shop.key("reader-1").state == "expired", timeout_s=30, what="the list follows")
    done = tpayd("keys", "exchange", "--reader", "reader-1", home=shop.store.instance.home)
    assert 0 == done.status
    shop.wait_bars("reader-1", barred=False)
    shop.store.sandbox.auto("reader-1", "visa-ic")
    shop.store.sandbox.auto("reader-2", "")
    shop.redate(-1, of_reader("reader-2"))
    shop.wait_bars("reader-2", barred=True)
    assert Verdict.PAID is shop.sale("1").verdict


def test_with_every_reader_expired_a_sale_is_refused_at_once(shop: KeyShop) -> None:
    """NOT PAID, and nobody waits for a reader that will not come."""
    shop.redate(-1, lambda key: key.usage is KeyUsage.READER_DATA)
    for reader in ("reader-1", "reader-2"):
        shop.wait_bars(reader, barred=True)
    refused = shop.sale()
    assert (Verdict.NOT_PAID, Reason.KEY_UNAVAILABLE) == (refused.verdict, refused.reason)


def test_a_terminal_whose_key_expired_is_refused_alone_and_still_settles(shop: KeyShop) -> None:
    """Its lane sells nothing, the other lane does; what the old key began is still MACed under it."""
    key_id = shop.terminal_key("TPAY0001").key_id
    shop.redate(-1, lambda key: key.owner == "TPAY0001")
    refused, paid = shop.sale("1"), shop.sale("2")
    assert (Verdict.NOT_PAID, Reason.KEY_UNAVAILABLE, Verdict.PAID) == (refused.verdict, refused.reason, paid.verdict)
    settled = inquire(shop.store, "TPAY0001", Purpose.SETTLE, key_id)
    assert (NEVER_WAS, True) == (settled.response_code, key_id.endswith(settled.ksn[:8].hex().upper()))


def test_time_is_the_hosts_and_goes_forwards_only(shop: KeyShop) -> None:
    """Keys expire by the time in the host's MACed answers, and stay expired when that is set back."""
    shop.redate(12 * HOUR_MS, lambda key: True)
    assert Verdict.PAID is shop.sale().verdict
    machine_ms, time = time_ns() // 1_000_000, shop.pos.keys().time
    assert time is not None
    shop.set("sandbox_host", {"time_ahead_s": 13 * 3600 + (time.now_ms - machine_ms) // 1000})

    def expired() -> bool:
        shop.sale()  # of many answers in a short time, one is read
        return shop.key("reader-1").state == "expired"

    eventually(expired, timeout_s=30, what="the keys expired")
    shop.set("sandbox_host", {"time_ahead_s": 0})
    shop.restart("key_manager")
    for reader in ("reader-1", "reader-2"):
        shop.wait_bars(reader, barred=True)
    refused = shop.sale()
    assert (Verdict.NOT_PAID, Reason.KEY_UNAVAILABLE) == (refused.verdict, refused.reason)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(HostMode.DECLINE, "host_refused"), (HostMode.GARBLED, None), (HostMode.HANG_UP, None), (HostMode.TWICE, "")],
)
def test_whatever_the_host_does_the_key_before_stays_in_force(
    shop: KeyShop, mode: HostMode, reason: str | None
) -> None:
    """A reader that the host does not know, garbage, a line that breaks: a clear error, and both lanes sell."""
    before = shop.key("reader-1").check_value
    shop.store.sandbox.host(mode, code="63", times=1, only=HostRequest.READER_KEY)
    if reason == "":  # an answer that comes twice harms nobody
        assert before != shop.pos.exchange_reader_key("reader-1").check_value
        return
    with pytest.raises(TpaydError) as caught:
        shop.pos.exchange_reader_key("reader-1")
    if reason is not None:
        assert (ErrorCode.KEY_UNAVAILABLE, reason) == (caught.value.code, caught.value.detail)
        assert (shop.device("reader-1").reader_id or "?") in caught.value.message
    eventually(shop.line_is_up, timeout_s=30, what="the line is back")
    assert [Verdict.PAID] * 2 == [shop.sale(lane).verdict for lane in ("1", "2")]
    assert before == shop.key("reader-1").check_value


def test_a_reader_that_is_not_connected_is_named_at_once(shop: KeyShop) -> None:
    """Unplugged, or of no such name: the error says which it is, and the other reader sells."""
    shop.store.sandbox.unplug("reader-2")
    eventually(lambda: shop.device("reader-2").state == "absent", timeout_s=30, what="reader-2 absent")
    done = tpayd("keys", "exchange", "--reader", "reader-2", "--wait", "1", home=shop.store.instance.home)
    assert (8, True) == (done.status, "reader-2 is not connected" in done.out + done.err)
    with pytest.raises(TpaydError) as caught:
        shop.pos.exchange_reader_key("reader-9")
    assert ErrorCode.NOT_FOUND is caught.value.code
    assert Verdict.PAID is shop.sale().verdict
    shop.store.sandbox.plug("reader-2")
    eventually(lambda: shop.device("reader-2").state == "ready", timeout_s=30, what="reader-2 back")


def test_a_reader_that_serves_a_customer_is_waited_for(shop: KeyShop) -> None:
    """The exchange says whom it waits for, and neither it nor the payment fails."""
    for reader in ("reader-1", "reader-2"):
        shop.store.sandbox.auto(reader, "")
    sale = Sale(shop.store, "1")
    sale.start()
    leased = eventually(
        lambda: next((device.name for device in shop.pos.devices().devices if device.leased_to), ""),
        timeout_s=30, what="a reader lent",
    )  # fmt: skip
    steps: list[str] = []

    def step(progress: Any) -> None:
        steps.append(progress.step)
        shop.store.sandbox.present(leased, "visa-ic")

    eventually(lambda: shop.device(leased).leased_to == "1", timeout_s=30, what="the lane told")
    shop.pos.exchange_reader_key(leased, on_progress=step)
    sale.join(60)
    shop.store.hold_cards("visa-ic")
    assert sale.status is not None
    assert ("waiting", "active", Verdict.PAID) == (steps[0], steps[-1], sale.status.verdict)


def test_the_audit_chain_of_all_this_holds(shop: KeyShop) -> None:
    """With what was dated behind the daemon's back among it; the log agrees."""
    done = tpayd("keys", "audit", "verify", "--json", home=shop.store.instance.home)
    assert (0, True, None) == (done.status, done.json["holds"], done.json["problem"])


def test_what_is_due_is_exchanged_by_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    """At the hour that is set, terminals and readers alike, and the shop sells on."""
    now = datetime.now().astimezone()
    settings = {"sweep_s": 1.0, "renew_before_days": 0, "renew_at": f"{now:%H:%M}", "renew_for_min": 1440}
    with Store(tmp_path_factory.mktemp("t12n"), lanes=1, readers=1, settings={"key_manager": settings}) as store:
        store.open_shop(card="visa-ic")
        with store.client() as pos:
            shop = KeyShop(store, pos)
            before = {shop.key("reader-1").key_id, shop.terminal_key("TPAY0001").key_id}
            shop.redate(20 * DAY_MS, lambda key: True)
            assert before == {shop.key("reader-1").key_id, shop.terminal_key("TPAY0001").key_id}
            shop.set("key_manager", {"renew_before_days": 30})

            def renewed() -> bool:
                return not before & {shop.key("reader-1").key_id, shop.terminal_key("TPAY0001").key_id}

            eventually(renewed, timeout_s=60, what="both keys renewed")
            assert {1095} == {key.days_left for key in pos.keys().keys if key.days_left is not None}
            assert Verdict.PAID is shop.sale().verdict
