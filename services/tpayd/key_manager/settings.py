"""config/key_manager.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.shapes import Name

__all__ = ["KeyManagerSettings"]

FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", description="a file's name")]


Days = Annotated[int, Meta(ge=1, le=365)]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day, hh:mm")]


class KeyManagerSettings(ServiceSettings, frozen=True, kw_only=True):
    """What the key manager can be told."""

    key_provider: Name = "passphrase"
    """Where the key comes from that the key store is sealed under."""
    key_provider_options: dict[str, str] = field(default_factory=dict)
    """What that provider is to be told."""
    passphrase_file: FileName = "key_manager.passphrase"  # noqa: S105  a file's name
    """In secrets/: what the key store is sealed under, with the key provider `passphrase`."""
    transport_keys_file: FileName = "transport_keys.toml"
    """In secrets/: the keys that the terminals share with the acquirer before the first exchange."""
    host_adapter: Name = "iso8583"
    """How the card host's messages look; the same as in the other services."""
    host_answer_s: Annotated[float, Meta(gt=0, le=120)] = 20.0
    """Seconds that the host gets to answer a key exchange."""
    reader_s: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """Seconds that a reader gets for each of its two steps."""
    reader_free_s: Annotated[float, Meta(ge=0, le=600)] = 90.0
    """Seconds that an exchange by hand waits for a reader that serves a customer."""
    key_life_days: Annotated[int, Meta(ge=1, le=1095)] = 1095
    """Days from a key's activation to its expiry; three years at most."""
    warn_days: Annotated[tuple[Days, ...], Meta(max_length=8)] = (90, 30, 7)
    """Days before a key's expiry on which its owner is warned, once each, by an event (`key.event`) and in the log."""
    renew_before_days: Annotated[int, Meta(ge=0, le=365)] = 30
    """Days before its expiry from which on a key is exchanged without being asked for; 0: only by hand."""
    renew_at: ClockTime = "04:30"
    """Local time from which on due keys are exchanged, outside trading hours."""
    renew_for_min: Annotated[int, Meta(ge=1, le=1440)] = 120
    """Minutes after which what was not exchanged waits for the next night."""
    keep_retired_days: Annotated[int, Meta(ge=7, le=1095)] = 90
    """Days after which a replaced key is deleted. What it began must be settled by then."""
    integrity: Literal["enforced", "off"] = "enforced"
    """Whether new payments need an installation that is what was signed; "off" in a sandbox alone."""
    integrity_at: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "04:30"
    """Local time of the daily check of files and readers."""
    sweep_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """Seconds between two looks for keys that have expired, or are to be deleted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.renew_before_days >= self.key_life_days:
            raise ValueError(
                f"renew_before_days: {self.renew_before_days} is no less than key_life_days, {self.key_life_days}: "
                "each key would be exchanged again every night; lower renew_before_days (0: only by hand)"
            )
