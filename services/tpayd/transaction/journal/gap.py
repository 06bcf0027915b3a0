"""What a restored journal does not know: the time between the backup and the restore."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.engine import Connection

from tpayd.transaction.events import Buried, Created
from tpayd.transaction.journal.owning import RESTORED, read_about
from tpayd.transaction.journal.schema import events

__all__ = ["Gap"]

_BEGIN = tuple(str(kind.__struct_config__.tag) for kind in (Created, Buried))


class Gap(Struct, frozen=True):
    """Between a backup and the restore from it the store may have gone on selling."""

    backup_ms: int
    restored_ms: int
    position: int
    """Of the last event that the restore wrote."""

    @classmethod
    def read(cls, connection: Connection) -> Gap | None:
        """The journal's gap; None if it was never restored."""
        value = read_about(connection, RESTORED)
        return None if value is None else cls(*(int(number) for number in value.split()))

    def written(self) -> str:
        """As it is kept in the journal, under `owning.RESTORED`."""
        return f"{self.backup_ms} {self.restored_ms} {self.position}"

    def lanes_since(self, connection: Connection) -> frozenset[str]:
        """Lanes that have begun or asked for a payment since."""
        found = select(events.c.lane).where(events.c.position > self.position, events.c.event.in_(_BEGIN)).distinct()
        return frozenset(connection.execute(found).scalars())
