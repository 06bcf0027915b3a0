"""A release that nobody could sign here is refused before it is fetched, with the way out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tpayd.integrity.trust import make_signing_key, own_key_file
from tpayd.updater.examining import require_signing_key
from tpayd.updater.refusals import NotInstalledError


def test_a_key_that_is_here_will_do(tmp_path: Path) -> None:
    """One that is not is named."""
    instance = cast("Any", SimpleNamespace(secrets=tmp_path))
    with pytest.raises(NotInstalledError, match=f"{own_key_file(tmp_path)}, which signs .*: put the key there, then"):
        require_signing_key(instance)
    make_signing_key(own_key_file(tmp_path))
    require_signing_key(instance)
