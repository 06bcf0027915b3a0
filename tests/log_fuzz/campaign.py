"""Payments by the real processes at their most talkative, between requests and frames that carry card numbers."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from tests.harness import Store
from tests.harness.card_scan import card_numbers_in
from tests.log_fuzz.numbers import BODIES, DISGUISES, OPS, new_card, track2
from tpayd.log_shipper.packing import Wanted, Work, prove
from tpayd_client import Pos, TpaydError
from tpayd_client.types import SettledAs
from tpayd_contracts.sandbox import HostMode

__all__ = ["Findings", "run"]

CARDS = 24
_MODES = (
    *(HostMode.APPROVE,) * 12, HostMode.DECLINE, HostMode.GARBLED, HostMode.BAD_MAC,
    HostMode.SPLIT, HostMode.TWICE, HostMode.HANG_UP,
)  # fmt: skip
_KINDS = ("contactless", "contactless", "ic", "contactless", "stripe", "contactless", "ic_broken", "ic_declines")
_DEBUG = {"log_level": "debug", "log_files_max": 1000, "log_keep_mib": 1_000_000}
_SETTINGS: dict[str, dict[str, object]] = {
    "gateway": _DEBUG,
    "transaction": _DEBUG
    | {"answer_wait_s": 1.0, "host_max_processing_s": 1.0, "reversal_waits_s": [0.2, 0.4], "card_wait_s": 2.0},
    "device_broker": _DEBUG,
    "host_link": _DEBUG,
    "key_manager": _DEBUG,
    "log_shipper": _DEBUG,
    "sandbox_host": _DEBUG,
    "sandbox_readers": _DEBUG,
}
_SERVICES = ("sandbox_host", "sandbox_readers", "gateway", "transaction", "device_broker", "host_link", "key_manager")
_SALE_S = 20.0
_BAD, _WELL_MEANT = 2, 0.1
"""Requests after each payment: with card numbers where none belong; and, now and then, with one in free text."""


@dataclass
class Findings:
    """What was done, and what stood in the logs afterwards."""

    log_bytes: int = 0
    payments: int = 0
    requests: int = 0
    planted: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    """File, line and kind; never the value."""

    def __str__(self) -> str:
        return (
            f"{self.log_bytes / 1e6:.1f} MB of logs of {self.payments} payments and {self.requests} bad requests with "
            f"{len(self.planted)} card numbers: {len(self.leaks)} card numbers in the logs"
        )


def run(
    directory: Path, *, lanes: int, log_bytes: int, limit_s: float, seed: int = 0, told: Callable[[str], None] = print
) -> Findings:
    """Go on until the logs have so many bytes, or the time is up; then look at every byte of them."""
    chance = random.Random(seed)
    cards = [new_card(chance) for _ in range(CARDS)]
    findings = Findings(planted=set(cards))
    with _store(directory, cards, lanes) as store:
        store.open_shop()
        ended = threading.Event()
        threads = [
            threading.Thread(target=_till, args=(store, lane, random.Random(seed + index), findings, ended))
            for index, lane in enumerate(store.plan.lane_names, start=1)
        ]
        threads.append(threading.Thread(target=_stranger, args=(store, random.Random(seed), findings, ended)))
        for thread in threads:
            thread.start()
        began_s = time.monotonic()
        while (held := _held(store)) < log_bytes and time.monotonic() - began_s < limit_s:
            _stir(store, chance, cards)
            told(f"{held / 1e6:.1f} MB, {findings.payments} payments")
            ended.wait(1.0)
        ended.set()
        for thread in threads:
            thread.join(_SALE_S * 2)
        store["gateway"].stop()  # flushes its log
        findings.log_bytes = _held(store)
        found, _ = prove(Wanted(store.instance.log), Work())
        findings.leaks = [str(one) for one in found] + card_numbers_in(store.instance.log, findings.planted)
    return findings


def _store(directory: Path, cards: Sequence[str], lanes: int) -> Store:
    store = Store(directory, services=_SERVICES, lanes=lanes, readers=lanes, settings=_SETTINGS)
    text = "".join(
        f'\n[[cards]]\nname = "{_name(index)}"\nkind = "{_KINDS[index % len(_KINDS)]}"\npan = "{card}"\n'
        for index, card in enumerate(cards)
    )
    with (store.instance.sandbox / "cards.toml").open("a", encoding="utf-8") as file:
        file.write(text)
    return store


def _name(index: int) -> str:
    return f"fuzz-{'abcdefghijklmnopqrstuvwxyz'[index]}"


def _held(store: Store) -> int:
    return sum(path.stat().st_size for path in store.instance.log.iterdir())


def _stir(store: Store, chance: random.Random, cards: Sequence[str]) -> None:
    """Other cards, another mood of the host."""
    for reader in store.plan.reader_names:
        store.sandbox.auto(reader, _name(chance.randrange(len(cards))))
    store.sandbox.host(chance.choice(_MODES), times=chance.randrange(1, 4))


def _till(store: Store, lane: str, chance: random.Random, findings: Findings, ended: threading.Event) -> None:
    """Pays, and in between asks for what no till should."""
    with store.client() as pos:
        while not ended.is_set():
            with contextlib.suppress(TpaydError):
                pos.sale(lane, chance.randrange(100, 90_000), timeout_s=_SALE_S)
            findings.payments += 1
            for _ in range(_BAD):
                _ask_badly(pos, chance, findings)
            if chance.random() < _WELL_MEANT:
                _ask_well_meant(pos, lane, chance, findings)


def _ask_badly(pos: Pos, chance: random.Random, findings: Findings) -> None:
    card = chance.choice(sorted(findings.planted)[:CARDS])
    value = chance.choice(DISGUISES)(card)
    body = chance.choice(BODIES)(value)
    op = chance.choice((*OPS, str(value)[:60]))
    key = chance.choice((str(uuid.UUID(int=chance.getrandbits(128), version=4)), card))
    with contextlib.suppress(TpaydError, TypeError, ValueError, OverflowError):
        pos.call(op, body, key=key, ttl_s=5.0)
    findings.requests += 1


def _ask_well_meant(pos: Pos, lane: str, chance: random.Random, findings: Findings) -> None:
    """Requests that are as they should be, but for a card number in what a person has typed."""
    card = chance.choice(sorted(findings.planted)[:CARDS])
    text = str(chance.choice(DISGUISES)(card))[:60]
    device = f"reader-{lane}"
    with contextlib.suppress(TpaydError):
        match chance.randrange(6):
            case 0:
                pos.maintenance(device, on=True, reason=text)
            case 1:
                pos.show_text(lane, text[:16], text[16:32], show_s=0.5)
            case 2:
                stamp = pos.call("settings.show", {"file": "store"})["stamp"]
                changes = [{"path": "merchant.tel", "value": f'"{card}"'}]
                pos.call("settings.change", {"file": "store", "changes": changes, "expected": stamp})
            case 3:
                pos.settle(lane, str(uuid.uuid4()), SettledAs.REVERSED, text)
            case 4:
                pos.abort(lane, str(uuid.uuid4()))
            case _:
                pos.key_number(lane, lines=(text[:16],), wait_s=0.2)
    with contextlib.suppress(TpaydError):
        pos.maintenance(device, on=False)
    findings.requests += 2


def _stranger(store: Store, chance: random.Random, findings: Findings, ended: threading.Event) -> None:
    """Frames that are no messages, at the gateway's public door."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(store.instance.public())
    cards = sorted(findings.planted)[:CARDS]
    while not ended.wait(0.02):
        card = chance.choice(cards)
        junk = chance.choice((b"\x93", b"\xc1", b"", b"\x99\x01", bytes(chance.choices(range(256), k=20))))
        with contextlib.suppress(zmq.Again):
            socket.send(junk + chance.choice((card, track2(card))).encode() + junk, zmq.DONTWAIT)
            while socket.poll(0):
                socket.recv()
        findings.requests += 1
    socket.close()
    context.term()
