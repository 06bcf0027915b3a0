"""ISO 8583:1987 over TCP, as docs/host-protocol.md describes it: the daemon's first host adapter.

* `spec`       every field in a table
* `layout`     the order of a message's fields, worked out once per bitmap
* `codec`      fields to bytes and back, head and tail around the KSN
* `fields`     a message that was read
* `items`, `emv`, `moment`   what three kinds of fields are made of
* `requests`   typed requests to fields
* `opening`    the host's answers to typed values
* `matching`   the key that a request and its answer share
* `host_side`  the same from the host's chair, for the sandbox
"""

from __future__ import annotations

from tpayd.hosts.iso8583.adapter import adapter

__all__ = ["adapter"]
