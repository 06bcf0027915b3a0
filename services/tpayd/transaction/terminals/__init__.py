"""Which terminals are open, whose they are, and what an unopened one may do (T20, T21).

* `register`    the list of open terminals and their merchants: a value
* `merchants`   who a receipt names
* `staging`     changes to it that count only once they are committed: a value
* `password`    the settings password, and the tries that it has left: a value
* `files`       both on disk
* `opening`     what is asked of the card host
* `guard`       who knows the password
* `errors`      the host said no
* `desk`        the operations
* `serving`     their way onto the bus
"""

from tpayd.transaction.terminals.desk import TerminalDesk
from tpayd.transaction.terminals.files import RegisterFile
from tpayd.transaction.terminals.merchants import on_receipt
from tpayd.transaction.terminals.register import ProfileRegister, Register
from tpayd.transaction.terminals.serving import (
    PREVENTION,
    open_terminal_desk,
    prevention,
    serve_terminals,
    terminals_open,
)

__all__ = [
    "PREVENTION",
    "ProfileRegister",
    "Register",
    "RegisterFile",
    "TerminalDesk",
    "on_receipt",
    "open_terminal_desk",
    "prevention",
    "serve_terminals",
    "terminals_open",
]
