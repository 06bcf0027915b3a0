"""A long storm in stages: after each all heals, and the books are read. A campaign goes on where it stopped."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.harness import SupervisedStore, card_numbers_in
from tests.harness.postgres import PostgresServer
from tests.torture.oracle import Oracle
from tests.torture.orders import PHONE, WALLET_CODE
from tests.torture.recovery import longest_wait
from tests.torture.storm import OTHER_CARDS, Storm
from tests.torture.tills import Tills
from tests.torture.told import UNTOLD, Told
from tpayd.transaction.journal.verifying import verify

__all__ = ["Campaign", "Sums"]

LANES, READERS = 8, 3
QUICK: dict[str, dict[str, object]] = {
    "transaction": {
        "answer_wait_s": 0.8,
        # Six sendings outlast a hung host, which the watchdog ends after 20 s: else a person is called, and rightly.
        "reversal_waits_s": [0.2, 0.5, 1.0, 10.0],
        "host_max_processing_s": 1.0,
        "inquiry_wait_s": 0.3,
        "inquiry_limit_s": 20.0,
        "card_wait_s": 5.0,
        "lease_renew_s": 2.0,
    },
    "device_broker": {"lease_ttl_s": 5.0, "absent_grace_s": 3.0, "reopen_max_s": 0.5},
    "host_link": {"profiles.test.waits.retry_first_s": 0.1, "profiles.test.waits.retry_most_s": 0.4},
    "sandbox_host": {"late_answer_s": 1.2},
    "sandbox_readers": {
        "readers": [
            {"name": f"reader-{number}", "auto_card": f"{card},{OTHER_CARDS}", "auto_delay_ms": 100}
            for number, card in enumerate(("visa-ic", "visa-tap", "visa-ic"), 1)
        ]
    },
}
"""Waits of seconds instead of minutes, so that a storm has its end; the rules are the same."""
TILL_PAUSE_S = 0.3
SETTLE_S = 120.0
VERDICT_MAX_S = 2.0
"""From the end of what was wrong to the verdict."""


@dataclass
class Sums:
    """The campaign so far."""

    seed: int
    kills: int = 0
    payments: int = 0
    stages: int = 0
    seconds: float = 0.0
    mismatches: int = 0
    unresolved: int = 0
    leases_left: int = 0
    duplicate_stan: int = 0
    card_bytes: int = 0
    max_verdict_s: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, and nothing came late."""
        faults = (self.mismatches, self.unresolved, self.leases_left, self.duplicate_stan, self.card_bytes)
        return not any(faults) and self.max_verdict_s <= VERDICT_MAX_S

    def last_line(self) -> str:
        """The result, for scripts."""
        return (
            f"torture: kills={self.kills} payments={self.payments} mismatches={self.mismatches} "
            f"unresolved={self.unresolved} leases_left={self.leases_left} duplicate_stan={self.duplicate_stan} "
            f"card_bytes={self.card_bytes} max_verdict_s={self.max_verdict_s:.2f}"
        )


class Campaign:
    """One instance in `place`, and what was done to it: `sums.json`, `told.jsonl`, `diary.jsonl`, `tills/`."""

    def __init__(
        self,
        place: Path,
        seed: int,
        say: Callable[[str], None],
        *,
        wanted: int,
        stage_kills: int,
        database: PostgresServer | None = None,
    ) -> None:
        """Takes up what lies in `place`; `seed` is for a new campaign; `database` is for a journal that is no file."""
        self._place = place
        self._say = say
        self._wanted = wanted
        self._stage_kills = stage_kills
        self._sums_file = place / "sums.json"
        self._told_file = place / "told.jsonl"
        place.mkdir(parents=True, exist_ok=True)
        self.resumed = self._sums_file.exists()
        if self.resumed:
            self.sums = Sums(**json.loads(self._sums_file.read_text(encoding="utf-8")))
        else:
            self.sums = Sums(seed)
            shutil.rmtree(place / "instance", ignore_errors=True)
            self._told_file.unlink(missing_ok=True)
        self._database = database
        self._journal_url = database.database() if database is not None else ""
        settings = {**QUICK, "transaction": {**QUICK["transaction"], "journal_url": self._journal_url}}
        self._store = SupervisedStore(place / "instance", lanes=LANES, readers=READERS, settings=settings)

    def run(self) -> list[str]:
        """Storm after storm until enough were killed; what is wrong ends it."""
        oracle = Oracle(self._store)
        with self._store as store:
            if self.resumed:
                store.forgive_crashes()
                store.wait_ready(timeout_s=60, degraded=True)
                oracle.hear(self._remembered())
            else:
                store.open_shop()
                self._write_sums()
            while self.sums.kills < self._wanted:
                wrong = self._stage(oracle)
                if wrong:
                    return wrong
                self._write_sums()
        return []

    def _stage(self, oracle: Oracle) -> list[str]:
        sums, began_s = self.sums, time.monotonic()
        seed = f"{sums.seed}/{sums.stages}"
        first = max((each.amount_minor for each in oracle.told), default=0) // 10_000 + 1
        with self._told_file.open("a", encoding="utf-8") as book:

            def note(told: Told) -> None:
                book.write(json.dumps(asdict(told)) + "\n")
                book.flush()

            tills = Tills(
                self._store, self._place / "tills", first=first, pause_s=TILL_PAUSE_S, seed=seed,
                note=note,
            )  # fmt: skip
            storm = Storm(
                self._store, seed, self._place / "diary.jsonl", told=lambda: list(tills.told),
                database=self._database,
            )  # fmt: skip
            tills.start()
            try:
                storm.rage(min(self._stage_kills, self._wanted - sums.kills))
            finally:
                tills.stop()
        oracle.hear(tills.told)
        unresolved = [str(told) for told in tills.told if told.verdict == UNTOLD] + oracle.settle(SETTLE_S)
        mismatches = tills.faults + storm.faults + oracle.disagreements() + self._damages()
        stans, leases, cards = oracle.duplicate_stans(), oracle.leases_left(), self._leaks()
        outages = storm.outages.all()
        wait_s, waited = longest_wait(tills.told, outages)
        sums.max_verdict_s = max(sums.max_verdict_s, wait_s)
        late = [f"late by {wait_s:.1f} s: {waited}"] if wait_s > VERDICT_MAX_S else []
        sums.kills += storm.kills
        sums.payments += len(tills.told)
        sums.stages += 1
        sums.seconds += time.monotonic() - began_s
        sums.mismatches += len(mismatches)
        sums.unresolved += len(unresolved)
        sums.duplicate_stan += len(stans)
        sums.leases_left += len(leases)
        sums.card_bytes += len(cards)
        paid = sum(told.verdict == "PAID" for told in tills.told)
        self._say(
            f"{sums.kills}/{self._wanted} kills, {len(tills.told)} payments in this stage, {paid} of them paid, "
            f"{(time.monotonic() - began_s) / max(1, storm.kills):.1f} s per kill"
        )
        return [*mismatches, *unresolved, *stans, *leases, *cards, *late]

    def _leaks(self) -> list[str]:
        """Numbers of cards, phones and wallets in a file of the instance."""
        return card_numbers_in(self._store.instance.home, {*self._store.card_numbers(), PHONE, WALLET_CODE})

    def _damages(self) -> list[str]:
        url = self._journal_url or f"sqlite:///{self._store.instance.data / 'journal.sqlite3'}"
        return [f"journal: {finding}" for finding in verify(url, lambda *_: None).findings]

    def _remembered(self) -> list[Told]:
        """What was told before the campaign stopped; what was asked then and never told is asked about now."""
        if not self._told_file.exists():
            return []
        lines = self._told_file.read_text(encoding="utf-8").splitlines()
        told: dict[str, Told] = {}
        for line in lines:
            try:
                each = Told(**json.loads(line))
            except ValueError:
                continue  # torn by the end of the run before
            told[each.request_id] = each
        return list(told.values())

    def _write_sums(self) -> None:
        partial = self._sums_file.with_suffix(".part")
        partial.write_text(json.dumps(asdict(self.sums), indent=1), encoding="utf-8")
        partial.replace(self._sums_file)
