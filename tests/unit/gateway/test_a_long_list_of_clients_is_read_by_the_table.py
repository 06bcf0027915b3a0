"""Cutting clients.toml into tables changes nothing but the time: it says what a TOML parser says, or is not used."""

from __future__ import annotations

import tomllib

import pytest

from tpayd.gateway.client_list import HEAD, Client, ClientList, read, with_client, with_uid, without
from tpayd_contracts.operation import Right

KEYS = [f"{number:040}" for number in range(8)]
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def table(name: str, key: str = KEYS[0], more: str = "") -> str:
    return f'[clients.{name}]\nlanes = ["1", "kiosk-2"]\nright = "pos"\npublic_key = "{key}"\n{more}'


def by_toml(text: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = tomllib.loads(text).get("clients", {})
    return found


def as_told(found: ClientList) -> dict[str, dict[str, object]]:
    return {
        name: {"lanes": list(client.lanes), "right": client.right.value, "public_key": client.public_key}
        | ({} if client.local_uid is None else {"local_uid": client.local_uid})
        for name, client in found.clients.items()
    }


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", False),
        (HEAD, False),
        (HEAD + "\n" + table("a") + "\n" + table("b", KEYS[1], "local_uid = 1000\n"), True),
        (table('"till.2"') + "# the one at the door\n" + table("b", KEYS[1]), True),
        (table("a", Z85[:40]) + table("b", Z85[40:80]) + table("c", Z85[-40:]), True),
        ("  # by hand\n\n[clients.a]\nright = 'pos'\nlanes = [\n  '1',\n]\npublic_key = '" + KEYS[0] + "'", True),
        (table("a").replace('["1", "kiosk-2"]', '["*"]').replace("pos", "admin"), True),
        (table("a") + "[ clients . b ]\n" + table("", KEYS[1]).split("\n", 1)[1], False),
        ("clients.a = {lanes = ['1'], right = 'pos', public_key = '" + KEYS[0] + "'}\n", False),
        ("[clients]\n" + table("a"), False),
        (table("a").replace("pos", "\\u0070os"), True),
    ],
)
def test_it_says_what_a_toml_parser_says(text: str, cut: bool) -> None:
    """Whoever wrote it, and however."""
    found = read(text)
    assert by_toml(text) == as_told(found)
    assert cut == bool(found.tables)


@pytest.mark.parametrize(
    "text",
    [
        table("a") + table("a", KEYS[1]),
        table("a") + "[clients.a.more]\nx = 1\n",
        table("a") + "[[clients.b]]\n",
        table("a") + "[other]\n",
        table("a", more="note = '''\n" + table("b", KEYS[1]) + "'''\n"),
        table("a", KEYS[0][:-1]),
        table("a") + table("b"),
        "x = 1\n" + table("a"),
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    """Also what would be one, if tables were all that counts."""
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_only_what_has_changed_is_read_again() -> None:
    """The others are the very same, so a change costs little however many there are."""
    text = table("a") + table("b", KEYS[1])
    before = read(text)
    after = read(text + table("c", KEYS[2]), before)
    assert [True, True] == [after.clients[name] is before.clients[name] for name in ("a", "b")]
    assert ["a", "b", "c"] == list(after.clients)


def test_edits_leave_the_rest_as_it_is() -> None:
    """Comments, order and spacing; also in a text that cannot be cut."""
    whole = "[clients]\n" + table("a") + "# of b\n" + table("b", KEYS[1])
    for text in (HEAD + "\n" + table("a", more="# a note\n") + "\n" + table("b", KEYS[1]), whole):
        more = with_client(text, "c.d", Client(lanes=("3",), right=Right.POS, public_key=KEYS[2], local_uid=7))
        assert more.startswith(text)
        assert ["a", "b", "c.d"] == list(read(more).clients)
        assert ["a", "c.d"] == list(read(without(more, "b")).clients)
        moved = with_uid(more, "a", 1001)
        assert more == moved.replace("local_uid = 1001\n", "", 1)
        assert [1001, None, 7] == [client.local_uid for client in read(moved).clients.values()]
