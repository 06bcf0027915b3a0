"""What a new instance shall be. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["DEFAULT_PORT_BASE", "LANES_MAX", "READERS_MAX", "SANDBOX_MERCHANT", "SANDBOX_PURSE", "MerchantPlan", "Plan"]

DEFAULT_PORT_BASE = 7700
LANES_MAX = 999
READERS_MAX = 64

_METRICS_PORT_OFFSET = {
    "gateway": 11, "transaction": 12, "device_broker": 13, "host_link": 14, "key_manager": 15, "updater": 16,
    "log_shipper": 17,
}  # fmt: skip
_SANDBOX_HOST_PORT_OFFSET = 20
_SANDBOX_UPDATES_PORT_OFFSET = 21
_SANDBOX_LOGS_PORT_OFFSET = 22


@dataclass(frozen=True)
class MerchantPlan:
    """The store, as the acquirer knows it."""

    id: str
    name: str
    business_number: str


SANDBOX_MERCHANT = MerchantPlan("TPAYSANDBOX0001", "Sandbox Store", "1234567891")
SANDBOX_PURSE = "visa-ic,unionpay-ic,cash-ic,member,receipt-card,kakaopay"
"""One card for every kind of payment: what a virtual customer has with him unless somebody says otherwise."""


@dataclass(frozen=True)
class Plan:
    """One instance to be."""

    sandbox: bool
    merchant: MerchantPlan = SANDBOX_MERCHANT
    lanes: int = 2
    """Named "1", "2" and so on, with terminal ids TPAY0001, TPAY0002 …; a live store gets its own from its acquirer."""
    readers: int = 2
    """Virtual readers; a live instance names its own in config/device_broker.toml."""
    assigned: bool = True
    """The daemon is told of the virtual readers; otherwise they are there to be found."""
    auto_card: str = ""
    """Cards and wallets of the sandbox's list, with commas: at each wait the first that fits is presented by itself."""
    password: str | None = field(default=None, repr=False)
    """The settings password; without one, `tpayd password set` sets it later."""
    unsigned: bool = False
    """The installed files are not checked: they are a source tree, which nobody signs. For a sandbox."""
    port_base: int = DEFAULT_PORT_BASE
    ports: dict[str, int] = field(default_factory=dict)
    """Ports that differ from the base's: `gateway`, `sandbox_host`, `sandbox_updates`,
    `sandbox_logs`, `metrics.<service>`. 0 takes any free one."""

    @property
    def lane_names(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(1, self.lanes + 1))

    @property
    def reader_names(self) -> tuple[str, ...]:
        return tuple(f"reader-{number}" for number in range(1, self.readers + 1))

    @property
    def gateway_port(self) -> int:
        """The gateway's tcp port, on loopback."""
        return self.ports.get("gateway", self.port_base)

    @property
    def sandbox_host_port(self) -> int:
        """The virtual card host's tcp port, on loopback."""
        return self.ports.get("sandbox_host", self.port_base + _SANDBOX_HOST_PORT_OFFSET)

    @property
    def sandbox_updates_port(self) -> int:
        """The port of the sandbox's server of releases, on loopback."""
        return self.ports.get("sandbox_updates", self.port_base + _SANDBOX_UPDATES_PORT_OFFSET)

    @property
    def sandbox_logs_port(self) -> int:
        """The port of the sandbox's server for log bundles, on loopback."""
        return self.ports.get("sandbox_logs", self.port_base + _SANDBOX_LOGS_PORT_OFFSET)

    def metrics_port(self, service: str) -> int:
        """The port of a service's metrics; 0 (any) for services without one of their own."""
        offset = _METRICS_PORT_OFFSET.get(service)
        return self.ports.get(f"metrics.{service}", 0 if offset is None else self.port_base + offset)
