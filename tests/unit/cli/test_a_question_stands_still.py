"""A question in the middle of a payment: whoever sits there can read it, and nobody there means no."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, cast

import pytest

from tests.harness.terminal import at_a_terminal
from tests.unit.cli.test_exit_statuses import result
from tpayd.cli.output import Output
from tpayd.cli.paying import place
from tpayd_client import Amount, PaymentProgress, PaymentResult, Pos
from tpayd_client.types import SaleRequest, Step

ASKS = """
from tpayd.cli.output import Output
with Output().steps() as steps:
    steps("Insert the card")
    print("the answer is", steps.ask("Another one?"))
    steps("Asking the host")
"""


@pytest.mark.parametrize(("typed", "expected"), [("y\n", True), ("n\n", False), ("\n", False), ("\x03", False)])
def test_nothing_is_written_over_a_question(typed: str, expected: bool) -> None:
    """What turns stands still until there is an answer; Ctrl-C is a no."""
    seen = at_a_terminal([sys.executable, "-c", ASKS], {"[y/N]": typed}, environment=os.environ)

    assert 0 == seen.status
    assert ["Another one? [y/N]: "] == [
        re.findall(r"Another one.*|Insert.*", text)[-1][:20] for text in seen.at_answers
    ]
    assert f"the answer is {expected}" in seen.text
    assert "Asking the host" in seen.text


class AskingPos:
    """Asks about a duplicate, and ends as it is told."""

    def __init__(self) -> None:
        self.answers: list[bool] = []

    def order(self, _: SaleRequest, *, on_progress: Any, **__: object) -> PaymentResult:
        on_progress(PaymentProgress(Step.CONFIRM_DUPLICATE, "Is this another payment?", ""))
        return result("PAID" if self.answers == [True] else "NOT_PAID")

    def confirm(self, _: str, __: str, *, proceed: bool) -> None:
        self.answers.append(proceed)


def test_where_nobody_can_be_asked_the_answer_is_no() -> None:
    """A script has --allow-duplicate for it."""
    pos = AskingPos()
    order = SaleRequest("1", Amount(total_minor=1000))

    assert "NOT_PAID" == place(Output(), cast("Pos", pos), order, "", 1.0).verdict
    assert [False] == pos.answers
