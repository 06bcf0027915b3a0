"""Start the transaction process: `python -m tpayd.transaction --help`."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.transaction.service import Transaction
from tpayd.transaction.settings import TransactionSettings

if __name__ == "__main__":
    run("transaction", TransactionSettings, Transaction)
