"""Settings of log_shipper: config/log_shipper.toml, which explains each."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tpayd.kit.settings import ServiceSettings
from tpayd.log_shipper.delivery.settings import DestinationSettings

__all__ = ["LogShipperSettings", "OnCrash"]

OnCrash = Literal["off", "later", "now"]

Recipient = Annotated[str, Meta(pattern=r"^age1[02-9ac-hj-np-z]{58}$", description="an age public key (X25519)")]
Window = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])$",
        description="hours of local time, HH:MM-HH:MM; over midnight where the second is the earlier one",
    ),
]


class LogShipperSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    recipients: Annotated[tuple[Recipient, ...], Meta(max_length=8)] = ()
    """The vendor's public keys; each of them opens a bundle. None: no bundle can be made."""
    sender: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$|^$")] = ""
    """How the vendor knows this store, in the bundle's name; empty: made of the merchant's name."""
    bundle_max_mib: Annotated[int, Meta(ge=1, le=16_384)] = 512
    """Logs in one bundle, unpacked; what is older stays out, and the manifest says so."""
    outbox_mib: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """Bundles that wait to be delivered; over it the oldest goes, and is shown as dropped."""
    outbox_keep_days: Annotated[int, Meta(ge=1, le=365)] = 14
    """Days after which a bundle that cannot be delivered is dropped."""
    later_window: Window = "01:00-05:00"
    """When bundles of priority `later` are delivered."""
    on_crash: OnCrash = "off"
    """Whether the logs are shipped when a process has died by a fault."""
    on_crash_every_min: Annotated[int, Meta(ge=1, le=10_080)] = 60
    """At most one such bundle in this time."""
    destination: DestinationSettings = DestinationSettings()
