"""The host's time comes out of answers whose MAC was right; one answer a round is read, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.harness.clock import FakeClock
from tests.unit.hosts.examples import SALE
from tpayd.hosts import HostFormatError
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.adapter import adapter
from tpayd.key_manager.host_times import HostTimes

KSN = bytes(12)
AT_MS = int(datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC).timestamp()) * 1000


def _covered(at: str | None) -> bytes:
    unsealed = host_side.reply_financial(
        SALE, host_side.FinancialReply(response_code="05", host_reference="R" * 12, at=at)
    )
    return unsealed.head + KSN + unsealed.tail


def test_the_time_stands_in_the_part_that_is_maced() -> None:
    """As UTC, to the second; a host that tells none is no fault."""
    assert AT_MS == adapter.host_time_ms(_covered("20261122030405"))
    assert None is adapter.host_time_ms(_covered(None))


def test_a_request_tells_no_time() -> None:
    """Only a host's answer does: what this store says of the time proves nothing."""
    unsealed = adapter.encode(SALE)
    assert None is adapter.host_time_ms(unsealed.head + KSN + unsealed.tail)


class _Counting:
    def __init__(self) -> None:
        self.read = 0

    def host_time_ms(self, covered: bytes) -> int | None:
        self.read += 1
        if covered == b"garbage":
            raise HostFormatError("DE 48", "is garbage")
        return AT_MS if covered == b"told" else None


def test_one_answer_a_round_is_read() -> None:
    """A thousand sales cost one reading; the next round reads again."""
    counting, clock = _Counting(), FakeClock()
    times = HostTimes(counting, clock)
    for _ in range(1000):
        times.verified(b"told")
    assert (1, (AT_MS, clock.boottime_ms()), None) == (counting.read, times.taken(), times.taken())
    times.verified(b"told")
    assert 2 == counting.read


def test_an_answer_that_cannot_be_read_is_passed_over() -> None:
    """It is the transaction service that says what is wrong with it."""
    times = HostTimes(_Counting(), FakeClock())
    times.verified(b"garbage")
    assert None is times.taken()
