"""Where signatures are kept (T8): at a path, or by one switch [프로그램 실행 경로에 저장] in the instance directory."""

from __future__ import annotations

import pytest

from tpayd.device_broker.settings import DeviceBrokerSettings


@pytest.mark.parametrize(
    ("file", "in_home", "place"),
    [
        ("", False, None),
        ("/srv/pos/{lane}.bmp", False, "/srv/pos/{lane}.bmp"),
        ("", True, "signature-{lane}.bmp"),
        ("/srv/pos/sign-{lane}.bmp", True, "sign-{lane}.bmp"),
    ],
)
def test_the_place(file: str, in_home: bool, place: str | None) -> None:
    """Relative to the instance directory, unless it is absolute; None: nowhere."""
    assert place == DeviceBrokerSettings(signature_file=file, signature_in_home=in_home).signature_place


@pytest.mark.parametrize(("file", "in_home"), [("sign.bmp", False), ("{lane}/sign.bmp", True)])
def test_lanes_must_not_overwrite_each_other(file: str, in_home: bool) -> None:
    """The lane's name stands in the path that counts."""
    with pytest.raises(ValueError, match="signature_file"):
        DeviceBrokerSettings(signature_file=file, signature_in_home=in_home)
