"""A store whose lanes have their customers sign and key numbers in different ways, and a till at one of them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import tomlkit

from tests.harness import Store, eventually
from tpayd.kit.instance import OWNER_CLIENT
from tpayd.kit.toml_edit import put_value
from tpayd_client import PaymentProgress, Pos, connect
from tpayd_client.types import Amount, PaymentResult, SaleRequest, ScreenPrompt
from tpayd_contracts.sandbox import HostMode, Keying, LedgerEntry, Signing

__all__ = [
    "LEFT_BEHIND",
    "ON_ITS_PAD",
    "ON_ITS_READER",
    "ON_ITS_SCREEN",
    "SETTINGS",
    "UNMARKED",
    "Counter",
    "Display",
    "changed",
]

ON_ITS_PAD, ON_ITS_SCREEN, ON_ITS_READER, UNMARKED = "1", "2", "3", "4"
"""Lanes: a card reader and a pad beside it; a card reader and the screen; one reader that can do all; no pad at all."""

_STALE = "0" * 32
"""What a display says that it shows which has just been switched on: it is told at once what it is to show."""
_CARDS = ["ic", "stripe", "contactless"]
_EVERYTHING = [*_CARDS, "qr", "sign", "pin"]


def _device(number: int, abilities: Sequence[str]) -> dict[str, object]:
    name = f"reader-{number}"
    return {"name": name, "port": f"sandbox/readers/{name}", "label": f"Device {number}", "abilities": list(abilities)}


SETTINGS: dict[str, dict[str, object]] = {
    "device_broker": {
        "signature_file": "signatures/{lane}.bmp",
        "devices": [
            _device(1, _CARDS),
            _device(2, ["sign", "pin"]),
            _device(3, _CARDS),
            _device(4, _EVERYTHING),
            _device(5, _CARDS),
        ],
        "lanes": [
            {"name": "1", "devices": ["reader-1", "reader-2"], "sign_pad": "reader-2", "number_pad": "reader-2"},
            {"name": "2", "devices": ["reader-3"], "pools": [], "sign_pad": "screen", "number_pad": "screen"},
            {"name": "3", "devices": ["reader-4"]},
            {"name": "4", "devices": ["reader-5"], "pools": []},
        ],
    },
    "transaction": {
        "answer_wait_s": 12.0,
        "card_wait_s": 6.0,
        "host_max_processing_s": 12.0,
        "reversal_waits_s": [0.2, 0.4],
    },
}


LEFT_BEHIND = """
[[cards]]
name = "left-behind-ic"
kind = "ic"
pan = "3566002020360505"
label = "JCB"
stays_ms = 12000
"""
"""A card whose customer forgets it for a while."""


@contextmanager
def changed(store: Store, **values: object) -> Iterator[None]:
    """Other settings of the transaction process, for as long as the context lasts."""
    file = store.instance.settings_file("transaction")
    before = file.read_text(encoding="utf-8")
    document = tomlkit.parse(before)
    for name, value in values.items():
        put_value(document, name, value)
    try:
        _restarted(store, file, tomlkit.dumps(document))
        yield
    finally:
        _restarted(store, file, before)


def _restarted(store: Store, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    # Not killed: a process that keeps dying is made to wait.
    store["transaction"].stop()
    store.start("transaction")
    store.wait_ready("transaction")


class Counter:
    """A lane: its POS, its customers, and what the host has booked of it."""

    def __init__(self, store: Store, lane: str) -> None:
        self.store = store
        self.lane = lane
        self.pos: Pos = store.client()
        self.told: list[PaymentProgress] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pos.close()

    @property
    def readers(self) -> tuple[str, ...]:
        return {"1": ("reader-1", "reader-2"), "2": ("reader-3",), "3": ("reader-4",), "4": ("reader-5",)}[self.lane]

    def reset(self, card: str = "visa-ic") -> None:
        """A host that approves, and customers who have that card, and sign and key what they are asked for."""
        self.store.sandbox.host(HostMode.APPROVE)
        for reader in self.readers:
            self.store.sandbox.plug(reader)
            self.store.sandbox.auto(reader, card)
            self.store.sandbox.customer(reader, signing=Signing.SIGNS, keying=Keying.RIGHT, delay_ms=0)

    def sale(
        self,
        amount: int = 60_000,
        *,
        request_id: str | None = None,
        step: Callable[[PaymentProgress], None] = lambda _: None,
        reuse_signature: bool = False,
    ) -> PaymentResult:
        """A sale of which each step is noted, and told to `step`."""
        self.told = []

        def told(progress: PaymentProgress) -> None:
            self.told.append(progress)
            step(progress)

        order = SaleRequest(self.lane, Amount(amount), reuse_signature=reuse_signature)
        return self.pos.order(order, request_id=request_id, on_progress=told, timeout_s=60)

    @property
    def steps(self) -> list[str]:
        """What the cashier was told, each once, in its order."""
        return list(dict.fromkeys(str(progress.step) for progress in self.told))

    def signed_on(self, result: PaymentResult) -> str:
        """Where the journal says that the customer signed."""
        story = self.pos.explain(self.lane, result.request_id)
        return next((step.text for step in story.steps if step.event == "signed"), "")

    def booked(self, result: PaymentResult) -> LedgerEntry | None:
        """What the host has on this payment."""
        return next(
            (
                entry
                for entry in self.store.sandbox.ledger()
                if (entry.stan, entry.business_day, entry.terminal_id)
                == (result.stan, result.business_day, f"TPAY{int(self.lane):04d}")
            ),
            None,
        )

    def signature(self) -> Path:
        """Where the lane's last signature is kept."""
        return self.store.instance.home / "signatures" / f"{self.lane}.bmp"

    def wait_free(self) -> None:
        """Until every device of the lane is ready for a next customer."""

        def free() -> bool:
            states = {device.name: device.state.value for device in self.pos.devices().devices}
            return all(states[reader] == "ready" for reader in self.readers)

        eventually(free, timeout_s=30, what="the lane's devices free")


class Display:
    """A display before the customer, with a client of its own: it shows what `screen.watch` tells, and answers."""

    def __init__(self, store: Store, lane: str, answer: Callable[[Pos, ScreenPrompt], None]) -> None:
        self.shown: list[ScreenPrompt | None] = []
        self._lane = lane
        self._answer = answer
        self._store = store
        self._over = threading.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self._up.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        with connect(self._store.instance.public(), OWNER_CLIENT) as pos:
            pos.watch_screen(self._lane, _STALE)
            self._up.set()
            seen: str | None = None
            while not self._over.is_set():
                state = pos.watch_screen(self._lane, seen, wait_s=1.0)
                prompt = state.prompt
                token = None if prompt is None else prompt.token
                if token != seen:
                    seen = token
                    self.shown.append(prompt)
                    if prompt is not None:
                        self._answer(pos, prompt)
            pos.watch_screen(self._lane, wait_s=0)


def new_id() -> str:
    return str(uuid.uuid4())
