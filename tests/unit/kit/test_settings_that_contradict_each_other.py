"""Settings of which each is allowed and which break a promise together: refused, by both names and with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.gateway.settings import GatewaySettings
from tpayd.host_link.settings import HostLinkSettings
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.settings import ServiceSettings, SettingsError, parse
from tpayd.transaction.settings import TransactionSettings

FILE = Path("config/service.toml")
_WAITS = "profiles.test.waits"


@pytest.mark.parametrize(
    ("settings", "text", "field", "other"),
    [
        (TransactionSettings, "host_max_processing_s = 19.9", "host_max_processing_s", "answer_wait_s"),
        (TransactionSettings, "answer_wait_s = 9\nhost_max_processing_s = 8", "host_max_processing_s", "answer_wait_s"),
        (TransactionSettings, "inquiry_wait_s = 60\ninquiry_limit_s = 59", "inquiry_limit_s", "inquiry_wait_s"),
        (ServiceSettings, "log_keep_mib = 15", "log_keep_mib", "log_file_mib"),
        (TransactionSettings, "log_file_mib = 1000", "log_keep_mib", "log_file_mib"),
        (DeviceBrokerSettings, "log_file_mib = 1000", "log_keep_mib", "log_file_mib"),
        (DeviceBrokerSettings, "reopen_min_s = 2.5", "reopen_min_s", "reopen_max_s"),
        (GatewaySettings, "log_file_mib = 1000", "log_keep_mib", "log_file_mib"),
        (GatewaySettings, "max_ttl_ms = 29999", "default_ttl_ms", "max_ttl_ms"),
        (GatewaySettings, "max_in_flight = 31", "max_in_flight_per_client", "max_in_flight"),
        (GatewaySettings, "max_sessions_per_client = 513", "max_sessions_per_client", "max_sessions"),
        (HostLinkSettings, f"[{_WAITS}]\nretry_first_s = 31", f"{_WAITS}.retry_first_s", "retry_most_s"),
        (KeyManagerSettings, "key_life_days = 30", "renew_before_days", "key_life_days"),
        (KeyManagerSettings, "log_file_mib = 1000", "log_keep_mib", "log_file_mib"),
    ],
)
def test_they_are_refused(settings: type[ServiceSettings], text: str, field: str, other: str) -> None:
    """Whoever reads the error knows which two, what would happen, and what to do."""
    with pytest.raises(SettingsError, match=rf"{other}\b.*: .*; (raise|lower) ") as refused:
        parse(text, settings, FILE)
    assert field == refused.value.field


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (TransactionSettings, "host_max_processing_s = 20"),
        (TransactionSettings, "inquiry_wait_s = 60\ninquiry_limit_s = 60"),
        (ServiceSettings, "log_keep_mib = 16"),
        (DeviceBrokerSettings, "reopen_min_s = 2.0"),
        (GatewaySettings, "max_ttl_ms = 30000\nmax_in_flight = 32\nmax_sessions = 16"),
        (HostLinkSettings, f"[{_WAITS}]\nretry_first_s = 30"),
        (KeyManagerSettings, "key_life_days = 31"),
        (KeyManagerSettings, "key_life_days = 1\nrenew_before_days = 0"),
    ],
)
def test_the_last_that_keeps_the_promise_is_taken(settings: type[ServiceSettings], text: str) -> None:
    parse(text, settings, FILE)
