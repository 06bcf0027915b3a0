"""Every wait and every retry of the STX driver, in one place. `talk.Rule` says which command may be sent again."""

from __future__ import annotations

from tpayd.device_broker.drivers.stx_codes import Cmd
from tpayd.device_broker.drivers.talk import Rule

__all__ = ["LAST_CHUNK_WAIT_US", "PREPARE_TRIES", "READ_WAIT_US", "RULES", "STALLS_MAX"]


def _rule(*answers: Cmd, wait_s: float, tries: int = 1, naks: int = 2) -> Rule:
    return Rule(frozenset(answers), int(wait_s * 1e6), tries, naks)


RULES: dict[Cmd, Rule] = {
    Cmd.INIT: _rule(Cmd.ACK, wait_s=3, tries=2),
    Cmd.INFO: _rule(Cmd.INFO_ANSWER, wait_s=1, tries=3),
    Cmd.SELF_TEST: _rule(Cmd.SELF_TEST_ANSWER, wait_s=10),
    Cmd.STATE: _rule(Cmd.STATE_ANSWER, wait_s=1, tries=3),
    Cmd.EJECT: _rule(Cmd.STATE_ANSWER, wait_s=3, tries=2),
    # Each transaction brings its own wait for the card.
    Cmd.CARD: _rule(Cmd.CARD_ANSWER, Cmd.STATE_ANSWER, wait_s=30),
    # So does whatever else a customer is asked for. What he does with a card meanwhile is told as well.
    Cmd.SIGN_FETCH: _rule(Cmd.SIGN_FETCH_ANSWER, Cmd.STATE_ANSWER, wait_s=20),
    Cmd.NUMBER: _rule(Cmd.NUMBER_ANSWER, Cmd.STATE_ANSWER, wait_s=30),
    Cmd.PIN: _rule(Cmd.PIN_ANSWER, Cmd.STATE_ANSWER, wait_s=30),
    Cmd.CODE: _rule(Cmd.CODE_ANSWER, Cmd.STATE_ANSWER, wait_s=30),
    Cmd.SIGN: _rule(Cmd.SIGN_ANSWER, wait_s=1, tries=2),
    Cmd.SIGN_AMOUNT: _rule(Cmd.SIGN_AMOUNT_ANSWER, wait_s=1, tries=2),
    Cmd.SHOW: _rule(Cmd.SHOW_ANSWER, wait_s=1, tries=2),
    Cmd.CANCEL: _rule(Cmd.CANCEL_ANSWER, wait_s=1, tries=3),
    Cmd.FINISH: _rule(Cmd.FINISH_ANSWER, wait_s=10),
    Cmd.PREPARE_KEY: _rule(Cmd.PREPARE_KEY_ANSWER, wait_s=5),
    # A NAK is the reader's answer to a key that it does not trust.
    Cmd.INJECT_KEY: _rule(Cmd.ACK, Cmd.NAK, wait_s=5, naks=0),
    Cmd.AUTHENTICATE: _rule(Cmd.AUTHENTICATE_ANSWER, wait_s=3, tries=2),
    Cmd.OFFER: _rule(Cmd.OFFER_ANSWER, wait_s=5, tries=1),
    # Each chunk says where it belongs, and its answer how far the reader is: it is never taken twice.
    Cmd.CHUNK: _rule(Cmd.CHUNK_ANSWER, wait_s=5, tries=3),
}

READ_WAIT_US = 15_000_000
"""From a card's insertion to its data: application selection, offline checks, first GENERATE AC."""
PREPARE_TRIES = 2
"""A reader that answers 41 with "01" is asked once more."""
LAST_CHUNK_WAIT_US = 20_000_000
"""For the answer to an image's last chunk: the reader checks the whole of it."""
STALLS_MAX = 5
"""Chunks in a row after which a reader holds no more than before."""
