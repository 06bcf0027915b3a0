"""config/transaction.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tpayd.kit.settings import ServiceSettings
from tpayd.transaction.steps.pads import PadLanguage
from tpayd_contracts.money import MAX_MINOR

__all__ = ["TransactionSettings"]


class TransactionSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the transaction process can be told."""

    journal_url: str = ""
    """Where the journal is, e.g. `postgresql://tpayd@host/tpayd`; empty: data/journal.sqlite3 of this instance."""
    journal_keep_days: Annotated[int, Meta(ge=0, le=36_500)] = 1826
    """Days after which the details of a finished payment are purged; 0: never."""
    journal_purge_every_s: Annotated[float, Meta(ge=1, le=86_400)] = 3600.0
    """Between looks for payments that have grown too old. The first comes this long after the start."""
    adapter: str = "iso8583"
    """Host message format; see docs/host-protocol.md."""
    reader_wait_s: Annotated[float, Meta(gt=0, le=120)] = 60.0
    """How long a lane waits for its turn at a reader."""
    card_wait_s: Annotated[float, Meta(gt=0, le=100)] = 30.0
    """How long a customer may take to present a card (T24)."""
    card_finish_s: Annotated[float, Meta(gt=0, le=15)] = 12.0
    """How long the card's last word may take (2nd GENERATE AC). The reader's own limit is 10 s."""
    answer_wait_s: Annotated[float, Meta(gt=0, le=40)] = 20.0
    """How long the card host may take. After it the outcome is unknown and the payment is reversed."""
    pos_gone_after_s: Annotated[float, Meta(ge=0, le=60)] = 3.0
    """A payment that nobody waits for is aborted after this time, if nothing was sent yet."""
    lease_renew_s: Annotated[float, Meta(gt=0, le=10)] = 5.0
    """How often leases under way are renewed."""
    business_day_cutoff: Annotated[str, Meta(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$")] = "00:00"
    """Local time at which the next business day begins; before it, a sale belongs to the day before."""
    close_at: Annotated[str, Meta(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d)?$")] = ""
    """Local time at which the present business day is closed by itself; empty: only by `tpayd close`."""
    host_max_processing_s: Annotated[float, Meta(ge=0, le=600)] = 60.0
    """'Original not found' is believed only if repeated after this time: a reversal can overtake its sale.

    A host that may still answer may still book: so this is never less than `answer_wait_s`.
    """
    reversal_waits_s: Annotated[tuple[float, ...], Meta(min_length=1, max_length=16)] = (1, 2, 5, 15, 30, 60)
    """Waits between sendings of a reversal; the last one repeats. Jittered by a fifth."""
    reversal_blocked_limit_s: Annotated[float, Meta(gt=0, le=86_400)] = 600.0
    """A reversal that can't even be sealed (its key is gone) needs a person after this time."""
    max_in_hand: Annotated[int, Meta(ge=1, le=4096)] = 64
    """Payments that are worked on at once; those that wait for a reader, a customer or a cashier do not count."""
    standalone: bool = False
    """Payments without a POS (T15)."""
    keyboard_events: bool = True
    """Whether keys of the POS or the console (Enter, Esc) answer the prompt that stands (T25)."""
    second_generate_ac: bool = True
    """Whether a chip card has the last word after the host's approval (T26)."""
    choose_application: bool = False
    """Whether the customer chooses among the applications of his chip card (T27)."""
    simple_pay_accepts_card: bool = False
    """Whether a simple pay without a code takes a chip card as well (T28)."""
    opening_session_s: Annotated[float, Meta(ge=10, le=86_400)] = 600.0
    """How long staged openings and deletions of terminals wait for the next one, or for their commit (T20)."""
    inquiry_wait_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Between two inquiries about a cash-IC payment whose answer was lost."""
    inquiry_limit_s: Annotated[float, Meta(gt=0, le=120)] = 90.0
    """WAIT of a cash-IC payment ends after this time: what is still not known then is taken back."""
    duplicate_window_s: Annotated[float, Meta(ge=0, le=3600)] = 300.0
    """The same card, amount and lane within this time: the cashier is asked. 0 asks never."""
    confirm_wait_s: Annotated[float, Meta(gt=0, le=100)] = 60.0
    """How long the cashier may take to answer; then the payment ends as not paid."""
    signature: Literal["when_able", "required", "off"] = "when_able"
    """Above the limit, the customer signs: if a pad is there, always, or never on a pad."""
    no_signature_limit_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] = 50_000
    """Up to this amount, a credit sale needs no signature [무서명]."""
    signature_wait_s: Annotated[float, Meta(gt=0, le=60)] = 20.0
    """How long a customer may take to sign."""
    number_wait_s: Annotated[float, Meta(gt=0, le=60)] = 30.0
    """How long a customer may take to key a number."""
    pad_wait_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    """How long a lane waits for a pad that another lane uses, while its card stays in the reader."""
    signature_reuse_s: Annotated[float, Meta(ge=0, le=3600)] = 300.0
    """How long a signature counts for further sales that ask for it, by the same card at the same lane. 0: never."""
    pad_language: PadLanguage = PadLanguage.KO
    """In which language pads speak to customers."""
    partial_voids: bool = False
    """Whether the card host takes voids of a part of the amount."""
    unacknowledged: Literal["keep", "reverse"] = "keep"
    """What becomes of a payment that no POS acknowledges: it stands and is listed, or it is taken back."""
    unacknowledged_after_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    """How long a POS has to acknowledge."""
    remembered_payments: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    """Finished payments kept in memory for quick answers; older ones are read from the journal."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.host_max_processing_s < self.answer_wait_s:
            raise ValueError(
                f"host_max_processing_s: {self.host_max_processing_s:g} s are less than answer_wait_s, "
                f"{self.answer_wait_s:g} s: a request that the host may still answer would count as never booked, and "
                "its customer might pay for nothing; raise host_max_processing_s to the most that the host's operator "
                "names, or lower answer_wait_s"
            )
        if self.inquiry_limit_s < self.inquiry_wait_s:
            raise ValueError(
                f"inquiry_limit_s: {self.inquiry_limit_s:g} s are less than inquiry_wait_s, {self.inquiry_wait_s:g} s: "
                "the host would be asked once at most; raise inquiry_limit_s or lower inquiry_wait_s"
            )
