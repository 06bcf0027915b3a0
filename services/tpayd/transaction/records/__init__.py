"""What is on record, for whoever asks later: a lane's last payment, its story, its receipt, what is still owed."""

from tpayd.transaction.records.desk import RecordsDesk

__all__ = ["RecordsDesk"]
