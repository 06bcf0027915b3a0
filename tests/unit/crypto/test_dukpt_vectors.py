"""AES-DUKPT gives the published keys (X9.24-3-2017, test vectors of the ASC X9)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, make_ksn, update_key, working_key

BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")


def _hex(key: bytes) -> str:
    return key.hex().upper()


def test_initial_key() -> None:
    """The base derivation key and the IKID give the published initial key."""
    assert _hex(IK) == _hex(derive_initial_key(BDK, IKID))


def test_initial_key_of_256_bits() -> None:
    """A 256-bit base derivation key gives the published 256-bit initial key, over two blocks."""
    expected = "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F"
    assert expected == _hex(derive_initial_key(BDK + BDK, IKID))


@pytest.mark.parametrize(
    ("counter", "expected"),
    [
        (0x00000001, "4F21B565BAD9835E112B6465635EAE44"),
        (0x00000002, "2F34D68DE10F68D38091A73B9E7C437C"),
        (0x00000003, "031504E530365CF81264238540518318"),
        (0x00000008, "718EE6CF0B27E53D5F7AF99C4D8146A2"),
        (0xFFFE4000, "396C2C7CA1EA701C03B86B7D41F0C562"),
        (0xFFFE8000, "0387625F189B58AE03EF0E8CCA41105E"),
        (0xFFFF0000, "F6BA59389BD14A9855BE9727E7C52E3C"),
    ],
)
def test_transaction_key(counter: int, expected: str) -> None:
    """Each counter has the published transaction key, the first and the last too."""
    assert expected == _hex(Derivation(IK, IKID).transaction_key(counter))


def test_transaction_key_of_256_bits() -> None:
    """A 256-bit initial key gives 256-bit transaction keys."""
    derivation = Derivation(derive_initial_key(BDK + BDK, IKID), IKID)
    expected = "54AC2B32B145EA4A554CB8BC44B17467063A799856B1CCC2A138D36E8DBF78B3"
    assert expected == _hex(derivation.transaction_key(1))


@pytest.mark.parametrize(
    ("counter", "usage", "expected"),
    [
        (1, Usage.PIN_ENCRYPTION, "AF8CB133A78F8DC2D1359F18527593FB"),
        (1, Usage.MAC_GENERATION, "A2DC23DE6FDE0824A2BC321E08E4B8B7"),
        (1, Usage.DATA_ENCRYPTION, "A35C412EFD41FDB98B69797C02DCD08F"),
        (2, Usage.PIN_ENCRYPTION, "D30BDC73EC9714B000BEC66BDB7B6D09"),
        (8, Usage.PIN_ENCRYPTION, "4D9DF3FBEE3448FC3E676D04320A90F5"),
        (8, Usage.MAC_GENERATION, "6FD572E5D59E618875F193484F9178FB"),
        (8, Usage.DATA_ENCRYPTION, "650F34204ABD4E57764D61AC3D266FB1"),
    ],
)
def test_working_key(counter: int, usage: Usage, expected: str) -> None:
    """Each counter and usage has the published working key."""
    assert expected == _hex(working_key(IK, IKID, counter, usage))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage.PIN_ENCRYPTION, "8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502"),
        (Usage.MAC_GENERATION, "61DABDF4B340CF461EE860B1D1AB55357142BD2D6977306859CF49AEFE8F1549"),
    ],
)
def test_working_key_of_256_bits(usage: Usage, expected: str) -> None:
    """256-bit working keys come from 256-bit initial keys."""
    initial_key = derive_initial_key(BDK + BDK, IKID)
    assert expected == _hex(working_key(initial_key, IKID, 1, usage, 256))


def test_update_key() -> None:
    """The counter of all ones gives the update key."""
    assert "9A9770AEE1ACD1B13473D0463A1883B9" == _hex(update_key(IK, IKID))


def test_pin_block() -> None:
    """The PIN key of counter 1 makes the published format 4 PIN block (ISO 9564-1, X9.24-3 supplement)."""
    encryptor = Cipher(algorithms.AES(working_key(IK, IKID, 1, Usage.PIN_ENCRYPTION)), modes.ECB()).encryptor()
    pin_field = bytes.fromhex("441234AAAAAAAAAA2F69ADDE2E9E7ACE")
    pan_field = int(("4" + "4111111111111111").ljust(32, "0"), 16)
    inner = int.from_bytes(encryptor.update(pin_field), "big") ^ pan_field
    assert "A912150391AB65A67E52883D81CE2D15" == _hex(encryptor.update(inner.to_bytes(16, "big")))


def test_key_serial_number() -> None:
    """A KSN is the IKID and the counter, 12 bytes."""
    assert "123456789012345600000001" == _hex(make_ksn(IKID, 1))


@pytest.mark.parametrize("counter", [0x00000001, 0x00000003, 0xFFFE8000])
def test_both_mac_keys_at_one_go(counter: int) -> None:
    """They are the working keys of their usages."""
    keys = Derivation(IK, IKID).mac_keys(counter)
    usages = (Usage.MAC_GENERATION, Usage.MAC_VERIFICATION)
    assert tuple(working_key(IK, IKID, counter, usage) for usage in usages) == keys
