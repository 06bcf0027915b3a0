"""What a bundle is called, and what it says of itself."""

from __future__ import annotations

import hashlib
import platform
import re
from datetime import UTC, datetime

from tpayd.kit.house import House
from tpayd.log_shipper.manifest import About
from tpayd.log_shipper.outbox import Entry
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd_contracts.logs import Bundle
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["about", "bundle_name", "sender_of"]

_NAME_MAX_CHARS = 32
_OTHERWISE = "store"


def bundle_name(house: House[LogShipperSettings], bundle: Bundle) -> str:
    """`<store>-<instance>-<UTC>-<id>.tar.zst.age`: unique, and in order of time for each store."""
    at = datetime.fromtimestamp(bundle.asked_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{sender_of(house)}-{_instance_id(house)}-{at}-{bundle.id}.tar.zst.age"


def sender_of(house: House[LogShipperSettings]) -> str:
    """How the vendor knows the store: as set, else the letters and digits of the merchant's name."""
    made = re.sub(r"[^a-z0-9]+", "-", house.store.merchant.name.lower()).strip("-")[:_NAME_MAX_CHARS]
    return house.settings.sender or (made if made[:1].isalpha() else _OTHERWISE)


def about(house: House[LogShipperSettings], entry: Entry) -> About:
    """For the manifest."""
    bundle = entry.bundle
    return About(
        bundle=bundle.id,
        store=sender_of(house),
        instance=_instance_id(house),
        made_at=datetime.fromtimestamp(house.clock.unix_ms() / 1000, UTC).isoformat(timespec="seconds"),
        tpayd=house.version,
        contract=str(CONTRACT_VERSION),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        sandbox=house.store.sandbox,
        priority=bundle.priority,
        asked_by=bundle.by,
        reason=bundle.reason,
        since_ms=entry.since_ms,
        until_ms=entry.until_ms,
    )


def _instance_id(house: House[LogShipperSettings]) -> str:
    """Eight hex digits that tell two instances of one merchant apart, and give nothing away."""
    told = f"{house.store.merchant.id}:{house.instance.home}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]
