"""How readers that speak STX frames take firmware: commands 52 to 57 (docs/reader-protocol.md).

Reads from top to bottom: reset, who are you, prove it, here is what the vendor signed, chunk after chunk from the place
that the reader names. Each answer to a chunk says how much the reader holds, so a chunk may be sent again after
silence: one that it has already is not taken twice.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tpayd.crypto import firmware as crypto
from tpayd.crypto.errors import ExchangeError
from tpayd.device_broker.drivers import stx_messages as messages
from tpayd.device_broker.drivers.events import Failure, Identity
from tpayd.device_broker.drivers.firmware import (
    FirmwareEnd,
    FirmwareEnded,
    FirmwareJob,
    FirmwareTold,
    FirmwareTurn,
    ReaderSeen,
    TransferFirmware,
    Transferred,
)
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.stx_codes import OK, Cmd, text_of
from tpayd.device_broker.drivers.stx_frame import MAX_LEN, STX_FORM, frame
from tpayd.device_broker.drivers.stx_messages import NAK_FRAME
from tpayd.device_broker.drivers.stx_rules import LAST_CHUNK_WAIT_US, RULES, STALLS_MAX
from tpayd.device_broker.drivers.talk import (
    Ask,
    Dialect,
    EndedError,
    Job,
    LayoutError,
    Rule,
    Step,
    Talk,
    asked,
    parsed,
    taken,
)

__all__ = ["StxFirmware"]

_TYPE = b"0001"
"""Firmware; 0003 are EMV keys."""
_PROOF = struct.Struct("32s10s4s128s10s2s")
_VERDICT = struct.Struct("2s20s32s10s")
_HELD = struct.Struct("2s20s")
_AROUND = 4 + 10 + 10 + crypto.SEAL_BYTES + 2
"""What a frame of a chunk holds beside the chunk: type, total, sent, seal, CMD and ETX."""

_ANY_MODE = "any"
_UPDATABLE = "01"
_INSTALLED, _ELSEWHERE, _DAMAGED, _OTHER_IMAGE = "01", "02", "03", "04"
_REFUSALS = {
    "01": "the image is for another model",
    "02": "it does not believe the vendor's signature",
    "03": "it takes no version that is older than its own",
    "05": "it asks to be authenticated anew",
    "06": "its memory cannot be written: have it serviced",
}


def _refuses(answer: Frame, _: Rule) -> bool:
    return answer.command == Cmd.NAK


_DIALECT = Dialect(STX_FORM, _refuses, unasked=frozenset({Cmd.STATE_ANSWER}), say_again=NAK_FRAME)


class _Over(Exception):  # noqa: N818  # an end, and not always an error
    def __init__(self, end: FirmwareEnd, detail: str = "") -> None:
        super().__init__(end)
        self.ended = FirmwareEnded(end, detail)


class StxFirmware:
    """See `firmware.FirmwareTalk` and the module."""

    def __init__(self, job: FirmwareJob) -> None:
        self._job = job
        self._talk = Talk(_DIALECT, lambda _: True)
        self._told: list[FirmwareTold] = []

    @property
    def deadline_us(self) -> int | None:
        return self._talk.deadline_us if self._talk.busy else None

    def begin(self, now_us: int) -> FirmwareTurn:
        return self._turn(now_us, lambda: self._talk.start(self._whole()))

    def received(self, data: bytes, now_us: int) -> FirmwareTurn:
        return self._turn(now_us, lambda: self._talk.received(data))

    def tick(self, now_us: int) -> FirmwareTurn:
        return self._turn(now_us, self._talk.tick)

    def _turn(self, now_us: int, what: Callable[[], None]) -> FirmwareTurn:
        self._talk.now_us = now_us
        what()
        out = self._talk.turn().out
        told, self._told = self._told, []
        return FirmwareTurn(out, told)

    # The job

    def _whole(self) -> Job:
        try:
            yield from self._work()
        except _Over as over:
            self._told.append(over.ended)
        except EndedError as end:
            self._told.append(FirmwareEnded(FirmwareEnd.LOST, end.detail or end.why.value))

    def _work(self) -> Job:
        job = self._job
        yield from self._asked(messages.INIT_FRAME, Cmd.INIT)
        info = yield from self._asked(messages.info_frame(job.at), Cmd.INFO)
        identity = parsed(messages.parse_info, info.data)
        answer = yield from self._asked(frame(Cmd.AUTHENTICATE, _TYPE), Cmd.AUTHENTICATE, refusable=True)
        proof, updatable = parsed(_parse_proof, answer.data)
        self._told.append(ReaderSeen(identity, updatable))
        if not isinstance(job, TransferFirmware):
            # The next init ends what the question has begun; nothing of it stays.
            raise _Over(FirmwareEnd.IDENTIFIED)
        if not updatable:
            raise _Over(FirmwareEnd.REFUSED, "it says that it takes no firmware now")
        session, chunk_bytes, held = yield from self._authenticated(job, identity, proof)
        yield from self._carried(job, session, chunk_bytes, held)

    def _authenticated(self, job: TransferFirmware, identity: Identity, proof: bytes) -> Step[tuple[bytes, int, int]]:
        """Both prove themselves: the session's key, the longest chunk, and what the reader holds already."""
        image = crypto.Image(
            job.image.model, job.image.mode, job.image.version, len(job.content), job.image.sha256
        )  # fmt: skip
        try:
            reader = crypto.checked_proof(job.image.vendor_key, identity.reader_id, identity.serial_number, proof)
            session = crypto.reader_key(job.seed, reader, image.sha256)
            offer = crypto.offer_of(job.at, crypto.our_key(job.seed), image, job.image.ticket)
        except ExchangeError as error:
            raise _Over(FirmwareEnd.NOT_GENUINE, str(error)) from None
        if identity.model != image.model:
            raise _Over(FirmwareEnd.REFUSED, f"the image is for {image.model}, and this is {identity.model}")
        if identity.mode and image.mode not in (_ANY_MODE, identity.mode):
            # The reader would take it, and never speak again.
            raise _Over(FirmwareEnd.REFUSED, f"the image is for mode {image.mode}, and it is in mode {identity.mode}")
        answer = yield from self._asked(frame(Cmd.OFFER, offer), Cmd.OFFER, refusable=True)
        if len(answer.data) != _VERDICT.size:
            raise EndedError(*_layout("55", answer.data, _VERDICT.size))
        result, message, told, chunk = _VERDICT.unpack(answer.data)
        if (code := text_of(result)) != OK:
            raise _Over(FirmwareEnd.REFUSED, _REFUSALS.get(code, f"code {code}"))
        if told.decode("ascii", "replace") != crypto.file_key(session, result, message, chunk):
            raise _Over(FirmwareEnd.NOT_GENUINE, "the reader cannot prove that its certificate is its own")
        chunk_bytes = min(parsed(_number, chunk), MAX_LEN - _AROUND)
        if not chunk_bytes:
            raise EndedError(*_layout("55", b"", 1))
        return session, chunk_bytes, parsed(_number, message[:10])

    def _carried(self, job: TransferFirmware, session: bytes, chunk_bytes: int, held: int) -> Job:
        """Chunk by chunk from where the reader is, until it says that it has everything."""
        content, total, stalls = job.content, len(job.content), 0
        while True:
            if held > total:
                raise _Over(FirmwareEnd.BROKEN, f"it says that it holds {held} bytes of {total}")
            self._told.append(Transferred(held))
            piece = content[held : held + chunk_bytes]
            last = held + len(piece) == total
            data = b"%b%010d%010d%b" % (_TYPE, total, held, piece)
            request = frame(Cmd.CHUNK, data + crypto.seal(session, data))
            answer = taken(self._talk, (yield Ask(request, RULES[Cmd.CHUNK], LAST_CHUNK_WAIT_US if last else None)))
            code, now = parsed(_parse_held, answer.data)
            if code == _INSTALLED and last:
                self._told.append(Transferred(total))
                raise _Over(FirmwareEnd.INSTALLED)
            if code == _OTHER_IMAGE:
                raise _Over(FirmwareEnd.BROKEN, "what arrived is not what its vendor has signed")
            if code not in (OK, _ELSEWHERE, _DAMAGED):
                raise _Over(FirmwareEnd.REFUSED, _REFUSALS.get(code, f"code {code}"))
            stalls = 0 if now > held else stalls + 1
            if stalls > STALLS_MAX:
                raise _Over(FirmwareEnd.LOST, "the reader takes nothing more")
            held = now

    def _asked(self, request: bytes, cmd: Cmd, *, refusable: bool = False) -> Step[Frame]:
        """A refusal of what only an updatable reader knows is its last word, not a fault of the line."""
        if not refusable:
            return (yield from asked(self._talk, request, RULES[cmd]))
        answer = yield Ask(request, RULES[cmd])
        if answer is not None and answer.command == Cmd.NAK:
            raise _Over(FirmwareEnd.REFUSED, "it does not know the command: its firmware cannot be updated by tpayd")
        return taken(self._talk, answer)


def _parse_proof(data: bytes) -> tuple[bytes, bool]:
    """Message 53: the proof, and whether the reader can be updated. Raises LayoutError."""
    if len(data) != _PROOF.size:
        raise LayoutError(_layout("53", data, _PROOF.size)[1])
    _, _, _, proof, _, updatable = _PROOF.unpack(data)
    return proof, text_of(updatable) == _UPDATABLE


def _parse_held(data: bytes) -> tuple[str, int]:
    """Message 57: its result, and how much the reader holds. Raises LayoutError."""
    if len(data) != _HELD.size:
        raise LayoutError(_layout("57", data, _HELD.size)[1])
    result, message = _HELD.unpack(data)
    return text_of(result), _number(message[:10])


def _number(digits: bytes) -> int:
    """Raises LayoutError."""
    if not digits.isdigit():
        raise LayoutError("55, 57: a number has ten digits")
    return int(digits)


def _layout(message: str, data: bytes, size: int) -> tuple[Failure, str]:
    return Failure.BAD_ANSWER, f"{message}: {len(data)} bytes, not {size}"
