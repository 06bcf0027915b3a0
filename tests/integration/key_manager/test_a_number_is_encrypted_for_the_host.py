"""A keyed number goes through the key manager and leaves no trace in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Store, card_numbers_in
from tests.integration.key_manager.macs import IK, IKID, PROFILE, TERMINAL, plant_key
from tpayd.crypto.data import decrypt_data
from tpayd.crypto.dukpt import Usage, split_ksn, working_key
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import DATA_ENCRYPT, EncryptData, EncryptedData, Purpose

NUMBER = "01098765432"


def _encrypt(store: Store, terminal_id: str = TERMINAL) -> EncryptedData:
    request = EncryptData(PROFILE, terminal_id, Purpose.NEW_PAYMENT, NUMBER.encode())
    return store.ask("key_manager", DATA_ENCRYPT, request, name="transaction")


def test_a_number_is_encrypted_for_the_host(tmp_path: Path) -> None:
    """The holder of the terminal's key reads it, each time under another KSN; no file of the store holds it."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with store:
        store.wait_ready("key_manager")
        made = [_encrypt(store) for _ in range(3)]
        with pytest.raises(CallError) as caught:
            _encrypt(store, "TPAY0009")
    counters = [split_ksn(each.ksn)[1] for each in made]
    keys = [working_key(IK, IKID, counter, Usage.DATA_ENCRYPTION) for counter in counters]
    assert [NUMBER.encode()] * 3 == [decrypt_data(key, each.cipher) for key, each in zip(keys, made, strict=True)]
    assert 3 == len({each.ksn for each in made})
    assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)
    assert [] == card_numbers_in(store.instance.home, {NUMBER})
