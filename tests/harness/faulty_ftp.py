"""An FTP server (pyftpdlib) with one fault, as a process: PORT DIRECTORY USER PASSWORD FAULT AT_BYTES.

none, cut (once, after so many bytes), lies (SIZE tells so many bytes too many), full (452 after so many bytes),
no_restart (REST is unknown), no_reading (RETR is refused), busy (421 to everybody), read_only, deaf_to_login.
"""

import sys

from pyftpdlib.authorizers import DummyAuthorizer  # type: ignore[import-untyped]
from pyftpdlib.handlers import DTPHandler, FTPHandler  # type: ignore[import-untyped]
from pyftpdlib.servers import FTPServer  # type: ignore[import-untyped]

port, directory, user, password, fault, at_bytes = sys.argv[1:]
limit = int(at_bytes)
cuts = [limit] if fault == "cut" else []


class Data(DTPHandler):  # type: ignore[misc]
    taken = 0

    def recv(self, size: int) -> bytes:
        block: bytes = super().recv(size)
        self.taken += len(block)
        if cuts and self.taken >= cuts[0]:
            keep = len(block) - (self.taken - cuts.pop())
            self.file_obj.write(block[:keep])
            self.file_obj.flush()
            self.cmd_channel.close()
            self.close()
            return b""
        if fault == "full" and self.taken > limit:
            self._resp = ("452 No space left on device.", print)
            self.close()
            return b""
        return block


class Session(FTPHandler):  # type: ignore[misc]
    def ftp_SIZE(self, path: str) -> None:  # noqa: N802
        if fault != "lies":
            super().ftp_SIZE(path)
            return
        try:
            self.respond(f"213 {self.run_as_current_user(self.fs.getsize, path) + limit}")
        except OSError:
            self.respond("550 No such file.")

    def ftp_REST(self, line: str) -> None:  # noqa: N802
        if fault == "no_restart":
            self.respond("502 Command not implemented.")
        else:
            super().ftp_REST(line)

    def ftp_RETR(self, file: str) -> None:  # noqa: N802
        if fault == "no_reading":
            self.respond("550 Permission denied.")
        else:
            super().ftp_RETR(file)

    def on_connect(self) -> None:
        if fault == "busy":
            self.respond("421 Too many users, come back later.")
            self.close_when_done()


authorizer = DummyAuthorizer()
authorizer.add_user(user, password, directory, perm="elr" if fault == "read_only" else "elradfmw")
Session.authorizer = authorizer
Session.dtp_handler = Data
Session.banner = "ready"
Session.auth_failed_timeout = 0
FTPServer(("127.0.0.1", int(port)), Session).serve_forever()
