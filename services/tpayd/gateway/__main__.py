from __future__ import annotations

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.gateway.service import Gateway
from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.process import run

if __name__ == "__main__":
    run("gateway", GatewaySettings, Gateway)
