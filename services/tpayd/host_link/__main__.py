"""Starts the process."""

from tpayd.host_link.service import HostLink
from tpayd.host_link.settings import HostLinkSettings
from tpayd.kit.process import run

if __name__ == "__main__":
    run("host_link", HostLinkSettings, HostLink)
