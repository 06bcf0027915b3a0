"""What is done with keys beside payments, put together: exchanges, their desk, readers' standing, renewal."""

from __future__ import annotations

import random

from tpayd.hosts import HostAdapter
from tpayd.key_manager.exchange import ExchangeLimits, Exchanges
from tpayd.key_manager.exchange_desk import ExchangeDesk
from tpayd.key_manager.gauges import KeyGauges
from tpayd.key_manager.open_keys import OpenKeys
from tpayd.key_manager.reader_standing import ReaderStanding
from tpayd.key_manager.renewal import Hours, Renewal
from tpayd.key_manager.secret_files import TransportKeys
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.house import House
from tpayd_contracts.device import TOPIC_DEVICE

__all__ = ["KeyWork"]


class KeyWork:
    """See the module. `start` once the store is open."""

    def __init__(
        self,
        house: House[KeyManagerSettings],
        keys: OpenKeys,
        adapter: HostAdapter,
        transport: TransportKeys,
        gauges: KeyGauges,
    ) -> None:
        settings, profile = house.settings, house.store.host_profile
        terminals = tuple(lane.terminal_id for lane in house.store.lanes)
        self._house = house
        self._keys = keys
        exchanges = Exchanges(
            profile=profile,
            terminals=terminals,
            adapter=adapter,
            host=house.caller("host_link"),
            readers=house.caller("device_broker"),
            transport=transport,
            keyring=keys.keyring,
            vault=keys.vault,
            next_number=keys.next_exchange,
            local_time=lambda: house.clock.local().strftime("%Y%m%d%H%M%S"),
            limits=ExchangeLimits(settings.host_answer_s, settings.reader_s, settings.reader_free_s, keys.life_ms),
        )
        self._standing = ReaderStanding(
            profile=profile,
            keyring=keys.keyring,
            vault=keys.vault,
            broker=house.caller("device_broker"),
            exchanging=exchanges.under_way,
            now_ms=keys.ticker.now_ms,
            life_ms=keys.life_ms,
            events=keys.events,
            log=house.log,
        )
        self.desk = ExchangeDesk(
            exchanges=exchanges,
            standing=self._standing,
            keyring=keys.keyring,
            ticker=keys.ticker,
            events=keys.events,
            gauges=gauges,
            warn_days=max(settings.warn_days, default=0),
        )
        self._renewal = Renewal(
            desk=self.desk,
            standing=self._standing,
            keyring=keys.keyring,
            profile=profile,
            terminals=frozenset(terminals),
            before_days=settings.renew_before_days,
            hours=Hours(settings.renew_at, settings.renew_for_min),
            clock=house.clock,
            now_ms=keys.ticker.now_ms,
            chance=random.random,
            log=house.log,
        )

    def start(self) -> None:
        """Follow the readers, and look for what has expired and what is due."""
        house = self._house
        house.subscribe("device_broker", (TOPIC_DEVICE,), self._standing.on_event, self._standing.on_gap)
        self._standing.start()
        house.call_every(house.settings.sweep_s, self._sweep)
        house.call_every(house.settings.sweep_s, self._renewal.look)

    def stop(self) -> None:
        self._standing.stop()

    async def _sweep(self) -> None:
        await self._keys.sweep()
        self._standing.look_again()
