"""Starts the process."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.host_link.service import HostLink
from tpayd.host_link.settings import HostLinkSettings
from tpayd.kit.process import run

if __name__ == "__main__":
    run("host_link", HostLinkSettings, HostLink)
