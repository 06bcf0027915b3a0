"""Examples of what a customer is asked beside the card: screen, pad and abilities. A part of `examples`."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd_contracts import ability, device, pad, payment, screen
from tpayd_contracts.example_payments import PAID, REQUEST_ID, Example
from tpayd_contracts.operation import Empty

__all__ = ["STEPS"]

_PROMPT_ID = "5d1c8f0e2a7b4c9d8e6f001122334455"
_LEASE_REF = device.LeaseRef(lease_id="l-000017", fence=17)
_PAD = device.Lease(lease_id="l-000018", fence=18, device="pad", label="Pad 1", reader_id="", ttl_s=15.0)
_STROKES = ((10, 40, 30, 12, 60, 44), (20, 55, 110, 52))
_PROMPT = screen.ScreenPrompt(
    token=_PROMPT_ID,
    asks=screen.ScreenAsk.SIGN,
    lane="1",
    text="Sign on the screen",
    text_ko="화면에 서명해 주십시오",
    remaining_ms=20_000,
    request_id=REQUEST_ID,
    amount_minor=55_000,
)
_SLOTS = ability.Slots(slots=(ability.Slot(device="front", label="Reader 1", inside=True),), inserted=True)
_KEY_IN = payment.PaymentProgress(
    step=payment.Step.ENTER_NUMBER, text="Enter the number", text_ko="번호를 입력해 주십시오", reader="Pad 1",
    remaining_ms=30_000,
)  # fmt: skip

STEPS: dict[str, Example] = {
    screen.SCREEN_WATCH.name: Example(screen.WatchScreen(lane="1"), screen.ScreenState(lane="1", prompt=_PROMPT)),
    screen.SCREEN_SIGN.name: Example(screen.ScreenSignature(lane="1", token=_PROMPT_ID, strokes=_STROKES), Empty()),
    screen.SCREEN_NUMBER.name: Example(screen.ScreenNumber(lane="1", token=_PROMPT_ID, number="01000000000"), Empty()),
    payment.KEY.name: Example(
        payment.KeyPress(lane="1", key=payment.PosKey.ENTER),
        replace(PAID, verdict=payment.Verdict.WAIT, state=payment.PaymentState.CARD_READ, approval_code=None),
    ),
    ability.CARD_INSERTED.name: Example(ability.InsertedQuery(lane="1"), _SLOTS),
    ability.EJECT_CARD.name: Example(
        ability.EjectCard(lane="1", wait_s=10.0),
        ability.Slots(slots=(ability.Slot(device="front", label="Reader 1", inside=False),), inserted=False),
    ),
    ability.NUMBER_KEY.name: Example(
        ability.KeyNumber(lane="1", min_digits=10, max_digits=11, lines=("Phone number",)),
        ability.KeyedNumber(number="01000000000"),
        _KEY_IN,
    ),
    ability.CODE_SCAN.name: Example(
        ability.ScanCode(lane="1"),
        ability.ScannedCode(code="8801234567893"),
        payment.PaymentProgress(
            step=payment.Step.SHOW_CODE, text="Show the code to the reader", text_ko="코드를 리더기에 보여 주십시오"
        ),
    ),
    ability.TEXT_SHOW.name: Example(
        ability.ShowText(lane="1", lines=("Thank you",), show_s=3.0),
        Empty(),
        payment.PaymentProgress(
            step=payment.Step.WAITING_FOR_READER, text="Waiting for a card reader",
            text_ko="리더기를 기다리는 중입니다", position=1,
        ),
    ),
    pad.PAD_ACQUIRE.name: Example(
        pad.AcquirePad(lane="1", payment_id="p-1-000042", step=pad.PadStep.SIGN, beside=_LEASE_REF),
        pad.PadPlace(where=pad.Where.PAD, lease=_PAD),
        device.LeaseProgress(position=1),
    ),
    pad.DRAW.name: Example(
        pad.DrawSignature(lane="1", strokes=_STROKES), pad.Signed(image=b"BM" + bytes(1_084), points=5)
    ),
}  # fmt: skip
