"""Supervisor's event protocol: READY, one event, RESULT; and again."""

from __future__ import annotations

import io

from tpayd.supervision.watchdog import events

TICK = b"ver:3.0 server:tpayd serial:1 pool:watchdog poolserial:1 eventname:TICK_5 len:15\nwhen:1201063880"
FATAL_BODY = b"processname:host_link groupname:host_link from_state:BACKOFF"
FATAL = b"ver:3.0 serial:2 eventname:PROCESS_STATE_FATAL len:%d\n%s" % (len(FATAL_BODY), FATAL_BODY)


def test_each_event_is_asked_for_and_acknowledged() -> None:
    """An event is acknowledged only after it was acted upon; at supervisor's end the listener ends too."""
    sink = io.BytesIO()
    stream = events(io.BytesIO(TICK + FATAL), sink)

    first = next(stream)
    assert ("TICK_5", {"when": "1201063880"}) == first
    assert b"READY\n" == sink.getvalue()

    second = next(stream)
    assert "PROCESS_STATE_FATAL" == second[0]
    assert "host_link" == second[1]["processname"]
    assert b"READY\nRESULT 2\nOKREADY\n" == sink.getvalue()

    assert [] == list(stream)
