"""Puts the operations on terminals into the transaction process."""

from __future__ import annotations

from tpayd import hosts
from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.house import House
from tpayd.kit.settings_desk import Elsewhere
from tpayd.transaction.journal import Journal, StorageError
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.stans import Stans
from tpayd.transaction.terminals.desk import TerminalDesk
from tpayd.transaction.terminals.files import PasswordFile, RegisterFile, Saver
from tpayd.transaction.terminals.guard import PasswordGuard
from tpayd.transaction.terminals.opening import HostDesk
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.health import Dependency
from tpayd_contracts.operation import Empty
from tpayd_contracts.terminal import (
    MERCHANT_DOWNLOAD,
    MERCHANT_LIST,
    PASSWORD_SET,
    PREVENTION_SET,
    TERMINAL_COMMIT,
    TERMINAL_DISCARD,
    TERMINAL_LIST,
    TERMINAL_OPEN,
    TERMINAL_STAGE_DELETE,
    DeleteTerminals,
    DownloadedMerchant,
    DownloadMerchant,
    MerchantList,
    OpenedTerminals,
    OpenTerminals,
    SetPassword,
    SetPrevention,
    TerminalList,
)

__all__ = ["PREVENTION", "open_terminal_desk", "prevention", "serve_terminals", "terminals_open"]


PREVENTION = "fraud_cancel_prevention"


def open_terminal_desk(house: House[TransactionSettings], stans: Stans, journal: Journal) -> TerminalDesk:
    """Read what is on disk. Raises SettingsError, UnknownAdapterError."""

    async def take_stan(terminal_id: str) -> str:
        stan = stans.take(terminal_id)
        try:
            await journal.committed()
        except StorageError as error:
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True) from error
        return stan

    settings, clock, log = house.settings, house.clock, house.log
    registers, passwords = RegisterFile(house.instance.data), PasswordFile(house.instance.secrets_of(house.name))
    profile = house.store.host_profile
    desk = TerminalDesk(
        registers.read(),
        profile=profile,
        lane_terminals=[lane.terminal_id for lane in house.store.lanes],
        host=HostDesk(
            house.caller("host_link"), hosts.load(settings.adapter), profile=profile, take_stan=take_stan, clock=clock,
            answer_wait_s=settings.answer_wait_s,
        ),
        guard=PasswordGuard(passwords.read(), Saver(passwords.path, passwords.write).save, clock, log),
        save=Saver(registers.path, registers.write).save,
        session_s=settings.opening_session_s,
        clock=clock,
        log=log,
    )  # fmt: skip
    house.call_every(1.0, desk.expire)
    house.metrics.gauge("terminals_refused", "Lanes whose terminal is not open while it must be").set_function(
        lambda: len(desk.refused)
    )
    return desk


def serve_terminals(server: Server, desk: TerminalDesk, *, standalone: bool) -> None:
    """Register the operations."""

    async def open_(request: Request, asked: OpenTerminals) -> OpenedTerminals:
        return await desk.open(_by(request), asked, request.trace)

    def list_(_: Request, __: Empty) -> TerminalList:
        return desk.list()

    def stage_delete(request: Request, asked: DeleteTerminals) -> TerminalList:
        return desk.stage_delete(_by(request), asked)

    async def commit(request: Request, _: Empty) -> TerminalList:
        return await desk.commit(_by(request))

    def discard(request: Request, _: Empty) -> TerminalList:
        return desk.discard(_by(request))

    async def download(request: Request, asked: DownloadMerchant) -> DownloadedMerchant:
        return await desk.download_merchant(asked, request.trace)

    def merchants(_: Request, __: Empty) -> MerchantList:
        return MerchantList(desk.merchants, standalone)

    async def set_prevention(request: Request, asked: SetPrevention) -> TerminalList:
        return await desk.set_prevention(_by(request), asked)

    async def set_password(request: Request, asked: SetPassword) -> Empty:
        await desk.set_password(_by(request), asked)
        return Empty()

    server.handle(TERMINAL_OPEN, open_)
    server.handle(TERMINAL_LIST, list_)
    server.handle(TERMINAL_STAGE_DELETE, stage_delete)
    server.handle(TERMINAL_COMMIT, commit)
    server.handle(TERMINAL_DISCARD, discard)
    server.handle(MERCHANT_DOWNLOAD, download)
    server.handle(MERCHANT_LIST, merchants)
    server.handle(PREVENTION_SET, set_prevention)
    server.handle(PASSWORD_SET, set_password)


def prevention(desk: TerminalDesk) -> Elsewhere:
    """Fraud-cancel prevention as a setting among others: it is kept with the terminals, and needs the password."""

    async def switch(on: bool, by: str, password: str | None) -> None:
        await desk.set_prevention(by, SetPrevention(on=on, password=password or ""))

    return Elsewhere(PREVENTION, True, lambda: desk.list().fraud_cancel_prevention, switch, needs_password=True)


def terminals_open(desk: TerminalDesk) -> Dependency:
    """Whether every lane may sell."""
    refused = desk.refused
    shown = ", ".join(refused[:3]) + (f" and {len(refused) - 3} more" if len(refused) > 3 else "")
    detail = f"not open: {shown}; open them: tpayd terminal open --all --commit" if refused else ""
    return Dependency("terminals", not refused, detail)


def _by(request: Request) -> str:
    return request.principal or request.session.admitted.name
