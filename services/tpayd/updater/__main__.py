"""Starts the process."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.updater.service import Updater
from tpayd.updater.settings import UpdaterSettings

if __name__ == "__main__":
    run("updater", UpdaterSettings, Updater)
