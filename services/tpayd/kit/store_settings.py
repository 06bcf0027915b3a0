"""config/store.toml: what several processes must agree on. Each reads the same file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tpayd.kit.settings import load
from tpayd_contracts.shapes import Lane, TerminalId

__all__ = [
    "ClientModuleSettings",
    "ConsoleSettings",
    "LaneSettings",
    "Merchant",
    "StoreSettings",
    "UpdateSettings",
    "business_number_fits",
    "load_store",
]


Screen = Annotated[str, Meta(pattern=r"^[1-9][0-9]{2,4}x[1-9][0-9]{2,4}$", description="width x height")]


class Merchant(Struct, frozen=True, forbid_unknown_fields=True):
    """The store, as the acquirer knows it and as a receipt names it."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{15}$", description="DE 42: 15 letters and digits")]
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    business_number: Annotated[str, Meta(pattern=r"^[0-9]{10}$", description="사업자등록번호, without dashes")]
    tel: Annotated[str, Meta(pattern=r"^[0-9+ -]{0,20}$")] = ""
    address: Annotated[str, Meta(max_length=120)] = ""
    representative: Annotated[str, Meta(max_length=40)] = ""


class LaneSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One lane and the terminal id that the acquirer issued for it."""

    name: Lane
    terminal_id: TerminalId


class ClientModuleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What client programs are told [특수 기능(DLL 환경설정)] (T17)."""

    restart_when_down: bool = False
    shared: bool = False
    keep_focus: bool = True


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How the console shows itself (T17, T23)."""

    keep_focus: bool = True
    screen: Annotated[str, Meta(pattern=r"^[1-9][0-9]{2,4}x[1-9][0-9]{2,4}$", description="width x height")] = (
        "1024x768"
    )


class UpdateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a new version (T16)."""

    notice: bool = True
    automatic: bool = False
    notice_wait_s: Annotated[float, Meta(ge=1, le=600)] = 15.0


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One store."""

    merchant: Merchant
    lanes: Annotated[tuple[LaneSettings, ...], Meta(min_length=1, max_length=999)]
    sandbox: bool = False
    """True: virtual readers and a virtual host, no real money. Public test keys are accepted only then."""
    host_profile: Literal["live", "test"] = "live"
    client: ClientModuleSettings = ClientModuleSettings()
    console: ConsoleSettings = ConsoleSettings()
    updates: UpdateSettings = UpdateSettings()

    def __post_init__(self) -> None:
        for what, values in (
            ("name", [lane.name for lane in self.lanes]),
            ("terminal_id", [lane.terminal_id for lane in self.lanes]),
        ):
            for value, times in Counter(values).items():
                if times > 1:
                    raise ValueError(f"lanes: {what} {value!r} is given to {times} lanes; each lane needs its own")

    def lane(self, name: str) -> LaneSettings | None:
        """The lane of that name, or None."""
        return next((lane for lane in self.lanes if lane.name == name), None)

    def doubts(self) -> tuple[str, ...]:
        """What looks wrong and is allowed all the same. Logged at start."""
        if business_number_fits(self.merchant.business_number):
            return ()
        return (f"merchant.business_number: the check digit of {self.merchant.business_number} does not fit",)


def load_store(path: Path) -> StoreSettings:
    """Read and check config/store.toml. Raises SettingsError."""
    return load(path, StoreSettings)


def business_number_fits(number: str) -> bool:
    """Whether the last of ten digits is the check digit of a Korean business registration number.

    Weights 1 3 7 1 3 7 1 3 5; the tens of the ninth product count as well (National Tax Service).
    """
    digits = [int(digit) for digit in number]
    total = sum(weight * digit for weight, digit in zip((1, 3, 7, 1, 3, 7, 1, 3, 5), digits, strict=False))
    return (10 - (total + digits[8] * 5 // 10) % 10) % 10 == digits[9]
