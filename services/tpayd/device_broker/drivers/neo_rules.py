"""Every wait and every retry of the NEO driver, in one place. `talk.Rule` says which command may be sent again."""

from __future__ import annotations

from tpayd.device_broker.drivers.neo_codes import SWITCHES, Cmd
from tpayd.device_broker.drivers.talk import Rule

__all__ = ["READ_WAIT_US", "RULES"]


def _rule(cmd: Cmd, *others: int, wait_s: float, tries: int = 1) -> tuple[Cmd, Rule]:
    return cmd, Rule(frozenset({cmd.answer, *others}), int(wait_s * 1e6), tries)


RULES: dict[Cmd, Rule] = dict(
    (
        # A reader that is in the middle of reading a card answers only when it is through with a step of it.
        _rule(Cmd.CANCEL, wait_s=3, tries=2),
        _rule(Cmd.PING, wait_s=1, tries=3),
        _rule(Cmd.VERSION, wait_s=1, tries=3),
        _rule(Cmd.SERIAL_NUMBER, wait_s=1, tries=3),
        _rule(Cmd.POLL_MODE, wait_s=1, tries=3),
        _rule(Cmd.NOTIFY, wait_s=1, tries=3),
        _rule(Cmd.KEY_STATE, wait_s=1, tries=3),
        _rule(Cmd.SLOT_STATE, wait_s=1, tries=3),
        _rule(Cmd.KEY_CHECK, wait_s=1, tries=3),
        # What is waited for behind it is that the card comes out, which the reader tells by itself.
        _rule(Cmd.POWER_OFF, SWITCHES, wait_s=3, tries=2),
        # Each transaction brings its own wait for the card.
        _rule(Cmd.ACTIVATE, wait_s=30),
        _rule(Cmd.APPLY_HOST, wait_s=10),
        _rule(Cmd.PREPARE_KEY, wait_s=5),
        _rule(Cmd.INJECT_KEY, wait_s=5),
    )
)

READ_WAIT_US = 15_000_000
"""From a card's detection to its data: application selection, offline checks, first GENERATE AC."""
