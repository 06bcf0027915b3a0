"""T32, what the settings screen [환경설정] is made of: groups, printed defaults, limits and words; and how it saves."""

from __future__ import annotations

import resource

import pytest

from tests.features.conftest import Run
from tests.harness import Store
from tpayd.cli.exits import Exit
from tpayd.gateway.clients import ClientRegistry
from tpayd_client import NotAllowed, TpaydError
from tpayd_client.types import ErrorCode
from tpayd_contracts.operation import Right

PRINTED = {
    "transaction.card_wait_s": ("30.0", "카드 삽입 대기시간"),
    "transaction.keyboard_events": ("true", "키보드 이벤트 사용"),
    "transaction.second_generate_ac": ("true", "2nd Generation 사용"),
    "transaction.standalone": ("false", "단독결제 기능 사용"),
    "transaction.choose_application": ("false", "IC 카드 라벨 선택 사용"),
    "transaction.fraud_cancel_prevention": ("true", "부정취소 방지 사용"),
    "transaction.simple_pay_accepts_card": ("false", "통합간편결제 IC카드 포함"),
    "transaction.log_keep_days": ("7", "로그 저장 기간"),
    "transaction.log_level": ('"info"', "로그 수집 레벨"),
    "store.console.screen": ('"1024x768"', "화면 해상도"),
    "store.host_profile": ('"live"', "실승인/테스트 서버"),
    "store.updates.notice": ("true", "업데이트 알림 기능 사용"),
    "store.updates.notice_wait_s": ("15.0", "업데이트 알림 화면 대기시간"),
    "store.client.restart_when_down": ("false", "데몬 프로그램 종료된 경우 재실행"),
    "store.client.shared": ("false", "DLL 중복 사용 허용"),
    "store.client.keep_focus": ("true", "DLL 포커스 유지"),
    "store.console.keep_focus": ("true", "데몬 포커스 유지"),
    "device_broker.signature_in_home": ("false", "프로그램 실행 경로에 저장"),
}


def test_every_option_of_the_manual_with_its_printed_default(run: Run) -> None:
    """In the manual's words."""
    found = {each["name"]: (each["default"], each["ko"]) for each in run("settings", "list", "--json").json["settings"]}

    assert PRINTED == {name: found.get(name) for name in PRINTED}


def test_every_setting_says_what_it_is(run: Run) -> None:
    """In English and in Korean, in one of the screen's groups."""
    found = run("settings", "list", "--json").json["settings"]

    assert [] == [each["name"] for each in found if not (each["en"] and each["ko"] and each["group"])]
    assert {"server", "devices", "signature", "functions", "updates", "client", "store", "other"} == {
        each["group"] for each in found
    }


def test_a_save_is_all_or_nothing_and_can_be_taken_back(shop: Store, run: Run) -> None:
    """Comments stay, who changed what is remembered, and a version can be had again."""
    file = shop.instance.settings_file("transaction")
    before = file.read_text(encoding="utf-8")
    wrong = run("settings", "set", "transaction.card_wait_s=50", "transaction.confirm_wait_s=5000")
    untouched = file.read_text(encoding="utf-8")
    right = run("settings", "set", "transaction.card_wait_s=50", "transaction.confirm_wait_s=50")
    changed = file.read_text(encoding="utf-8")
    newest, older = run("settings", "history", "transaction", "--limit", "2", "--json").json["versions"]
    restored = run("settings", "restore", "transaction", str(older["number"]))

    assert (Exit.USAGE, before) == (wrong.status, untouched)
    assert "transaction.confirm_wait_s" in wrong.err
    assert (
        before.replace("card_wait_s = 30.0", "card_wait_s = 50.0").replace(
            "confirm_wait_s = 60.0", "confirm_wait_s = 50.0"
        )
        == changed
    )
    assert ("cli", True, Exit.OK) == (newest["by"], newest["in_force"], right.status)
    assert (Exit.OK, before) == (restored.status, file.read_text(encoding="utf-8"))


def test_who_looked_at_an_older_file_is_refused(shop: Store) -> None:
    """Somebody with an editor was quicker; his words stay."""
    file = shop.instance.settings_file("key_manager")
    before = file.read_text(encoding="utf-8")
    with shop.client() as pos:
        seen = pos.call("settings.show", {"file": "key_manager"})["stamp"]
        file.write_text(before + "# a word by hand\n", encoding="utf-8")
        change = {"file": "key_manager", "changes": [{"path": "reader_s", "value": "20"}]}
        with pytest.raises(TpaydError) as refused:
            pos.call("settings.change", {**change, "expected": seen})
        pos.call("settings.change", change)
    after = file.read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")

    assert ErrorCode.SETTINGS_CHANGED == refused.value.code
    assert before.replace("reader_s = 15.0", "reader_s = 20.0") + "# a word by hand\n" == after


def test_a_full_disk_leaves_the_old_file(shop: Store) -> None:
    """The process goes on, says so, and saves once there is room."""
    file = shop.instance.settings_file("host_link")
    before = file.read_text(encoding="utf-8")
    health = shop.health("host_link", 10.0)
    assert health is not None
    change = {"file": "host_link", "changes": [{"path": "drain_s", "value": "44"}]}
    limits = resource.prlimit(health.pid, resource.RLIMIT_FSIZE)
    with shop.client() as pos:
        resource.prlimit(health.pid, resource.RLIMIT_FSIZE, (16, limits[1]))
        try:
            with pytest.raises(TpaydError) as refused:
                pos.call("settings.change", change)
        finally:
            resource.prlimit(health.pid, resource.RLIMIT_FSIZE, limits)
        untouched = file.read_text(encoding="utf-8")
        pos.call("settings.change", change)
    saved = file.read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")

    assert (ErrorCode.STORAGE_FAILED, before) == (refused.value.code, untouched)
    assert before.replace("drain_s = 45.0", "drain_s = 44.0") == saved


def test_only_an_administrator_changes_settings(shop: Store) -> None:
    """A till may look."""
    key = ClientRegistry.open(shop.instance).add("looker", ("1",), Right.POS)
    with shop.client("looker", key_file=key) as pos:
        page = pos.call("settings.show", {"file": "store"})
        with pytest.raises(NotAllowed) as refused:
            pos.call("settings.change", {"file": "store", "changes": [{"path": "client.shared", "value": "true"}]})
    ClientRegistry.open(shop.instance).remove("looker")

    assert ("store", ErrorCode.NOT_PERMITTED) == (page["file"], refused.value.code)


def test_mistakes_are_named(run: Run) -> None:
    """Wrong name, wrong type, wrong range, another way."""
    said = {
        change: run("settings", "set", change)
        for change in ("transaction.card_wiat_s=3", "transaction.standalone=maybe", "gateway.tcp_port=70000",
                       "transaction.journal_url=x", "nonsense=1", "lanes=1")
    }  # fmt: skip
    words = ("did you mean card_wait_s", "transaction.standalone", "gateway.tcp_port", "tpayd journal move",
             "there is no setting nonsense", "is in several files")  # fmt: skip

    assert [True] * len(words) == [word in each.err for word, each in zip(words, said.values(), strict=True)]
    assert {Exit.USAGE, Exit.REFUSED} == {each.status for each in said.values()}


def test_all_files_can_be_checked_before_a_start(shop: Store, run: Run) -> None:
    """Each with what is wrong in it."""
    good = run("settings", "check")
    file = shop.instance.settings_file("host_link")
    before = file.read_text(encoding="utf-8")
    file.write_text(before + "\nnonsense = 1\n", encoding="utf-8")
    bad = run("settings", "check", "--json")
    file.write_text(before, encoding="utf-8")

    assert (Exit.OK, Exit.USAGE) == (good.status, bad.status)
    assert ["host_link"] == [each["file"] for each in bad.json["files"] if each["problem"]]
