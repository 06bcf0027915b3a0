"""What is told of the results, so that it fits a frame: readers come in pages, findings as many as have room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import structs

from tpayd.kit.bus.wire import encode_body
from tpayd.kit.paging import page_of, within
from tpayd_contracts.integrity import IntegrityResult

__all__ = ["FINDINGS_MAX_BYTES", "bounded", "page_of_readers"]

FINDINGS_MAX_BYTES = 12 * 1024
"""Of the files' results together, beside a page of readers. Twenty findings take some 3 KiB as a rule."""

Told = tuple[IntegrityResult, ...]


def bounded(results: Iterable[IntegrityResult]) -> Told:
    """All of them; of their findings the first ones, as many as fit: an earlier result's before a later one's."""
    room_bytes = FINDINGS_MAX_BYTES
    told = []
    for result in results:
        findings = within(room_bytes, result.findings)
        room_bytes -= sum(len(encode_body(finding)) for finding in findings)
        told.append(structs.replace(result, findings=findings))
    return tuple(told)


def page_of_readers(readers: Mapping[str, Told], after: str | None) -> tuple[Told, str | None]:
    """The newest result of each reader whose name comes after `after`, and the name to go on after."""
    page = page_of(readers, after, lambda name: readers[name][0])
    return page.items, page.next
