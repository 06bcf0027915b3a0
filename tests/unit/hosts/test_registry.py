"""A host format is found by the name written in the settings."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from tpayd.hosts import HostAdapter, UnknownAdapterError, load


def test_the_first_adapter_comes_with_the_daemon() -> None:
    """From a source tree as from a wheel."""
    assert "iso8583" == load("iso8583").name
    assert isinstance(load("iso8583"), HostAdapter)


def test_an_unknown_name_tells_the_known_ones() -> None:
    """The way out of a typing error is in the message."""
    with pytest.raises(UnknownAdapterError, match="no host adapter 'iso8853'; installed: iso8583"):
        load("iso8853")


def test_another_package_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is all that a new host format needs, and it cannot take the place of ours."""
    mine = EntryPoint("mine", "tpayd.hosts.iso8583:adapter", "tpayd.hosts")
    thief = EntryPoint("iso8583", "nowhere:adapter", "tpayd.hosts")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: {"tpayd.hosts": [mine, thief]}[group])
    assert (True, True) == (load("mine") is load("iso8583"), isinstance(load("mine"), HostAdapter))


def test_what_is_no_adapter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong entry point is found when it is loaded, not at the first payment."""
    wrong = EntryPoint("wrong", "tpayd.hosts.iso8583.spec:FIELDS", "tpayd.hosts")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: {"tpayd.hosts": [wrong]}[group])
    with pytest.raises(TypeError, match="is no HostAdapter"):
        load("wrong")
