"""`python -m tpayd.device_broker`."""

from __future__ import annotations

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.device_broker.service import DeviceBroker
from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.kit.process import run

if __name__ == "__main__":
    run("device_broker", DeviceBrokerSettings, DeviceBroker)
