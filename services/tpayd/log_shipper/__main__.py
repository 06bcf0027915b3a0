"""Starts the process."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.log_shipper.service import LogShipper
from tpayd.log_shipper.settings import LogShipperSettings

if __name__ == "__main__":
    run("log_shipper", LogShipperSettings, LogShipper)
