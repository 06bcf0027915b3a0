"""What is on record, for whoever asks later: a lane's last payment, its story, its receipt, what is still owed."""

from tpayd.transaction.records.desk import RecordsDesk
from tpayd.transaction.records.owed import OWED, oldest_s

__all__ = ["OWED", "RecordsDesk", "oldest_s"]
