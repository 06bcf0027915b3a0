"""Which value goes into which setting of which file. Pure."""

from __future__ import annotations

from tpayd.provision.plan import Plan
from tpayd.sandbox.logs import identity

__all__ = ["LOGS_PASSWORD_FILE", "VENDOR_KEY_FILE", "settings_values"]

LOGS_PASSWORD_FILE = "sandbox/logs.password"  # noqa: S105 (a file's name)
VENDOR_KEY_FILE = "sandbox/vendor.key"
"""For `tpayd logs open`, in the vendor's place."""

Values = dict[str, object]

_SERVICES = (
    "gateway", "transaction", "device_broker", "host_link", "key_manager", "updater", "log_shipper",
    "sandbox_host", "sandbox_readers", "sandbox_logs", "sandbox_updates",
)  # fmt: skip
_VIRTUAL_ABILITIES = ("ic", "stripe", "contactless", "qr", "sign", "pin")


def settings_values(plan: Plan) -> dict[str, Values]:
    """For each settings file (`config/<name>.toml`) the values that differ from its model."""
    files: dict[str, Values] = {name: {"metrics_port": plan.metrics_port(name)} for name in _SERVICES}
    files["store"] = _store(plan)
    files["gateway"]["tcp_port"] = plan.gateway_port
    if plan.unsigned:
        files["key_manager"]["integrity"] = "off"
    if plan.sandbox:
        files["host_link"]["profiles.test.addresses"] = [f"127.0.0.1:{plan.sandbox_host_port}"]
        files["sandbox_host"]["port"] = plan.sandbox_host_port
        files["sandbox_updates"]["port"] = plan.sandbox_updates_port
        files["sandbox_logs"]["port"] = plan.sandbox_logs_port
        files["log_shipper"] |= {
            "recipients": [identity.RECIPIENT],
            "destination.url": f"sftp://127.0.0.1:{plan.sandbox_logs_port}/{identity.INCOMING}",
            "destination.user": identity.USER,
            "destination.password_file": LOGS_PASSWORD_FILE,
            "destination.host_key": [identity.host_key()],
        }
        files["sandbox_readers"]["readers"] = [
            {"name": name, "auto_card": plan.auto_card} for name in plan.reader_names
        ]
        files["device_broker"]["scan_ports"] = ["sandbox/readers/*"]
    if plan.sandbox and plan.assigned:
        files["device_broker"]["devices"] = [
            {
                "name": name,
                "port": f"sandbox/readers/{name}",
                "label": f"Counter {number}",
                "abilities": list(_VIRTUAL_ABILITIES),
            }
            for number, name in enumerate(plan.reader_names, start=1)
        ]
    return files


def _store(plan: Plan) -> Values:
    return {
        "sandbox": plan.sandbox,
        "host_profile": "test" if plan.sandbox else "live",
        "merchant.id": plan.merchant.id,
        "merchant.name": plan.merchant.name,
        "merchant.business_number": plan.merchant.business_number,
        "lanes": [
            {"name": name, "terminal_id": f"TPAY{number:04d}"} for number, name in enumerate(plan.lane_names, start=1)
        ],
    }
