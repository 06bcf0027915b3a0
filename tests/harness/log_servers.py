"""Real servers to deliver to, as a vendor runs them: OpenSSH's sshd, vsftpd, and pyftpdlib where one must misbehave."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from tests.harness.ports import free_block, free_ports
from tests.harness.waiting import accepts_connections, eventually

_STOP_WAIT_S = 10.0
_START_WAIT_S = 30.0
_PASSIVE_PORTS = 8
_FTP_SCRIPT = Path(__file__).with_name("faulty_ftp.py")
PASSWORD = "correct horse"


def program(name: str, package: str) -> str:
    """Where a server is; skips the test where it is missing."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


class LogServer:
    """A process on loopback; use it by `with`. `incoming` is the directory that takes the bundles."""

    address = "127.0.0.1"

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.incoming = directory / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        self._child: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        with (self.directory / "output").open("ab") as output:
            self._child = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        eventually(self._is_up, timeout_s=_START_WAIT_S, what=self._told)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child is not None
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(_STOP_WAIT_S)

    def _is_up(self) -> bool:
        assert self._child is not None
        if self._child.poll() is not None:
            raise RuntimeError(self._told())
        return accepts_connections(self.port, self.address)

    def _told(self) -> str:
        return f"{type(self).__name__}: {(self.directory / 'output').read_text(errors='replace')[-2000:]}"


class SshServer(LogServer):
    """sshd with a host key of its own and one client key; internal-sftp, `read_only` where nobody may write."""

    def __init__(self, directory: Path, *, address: str = "127.0.0.1", read_only: bool = False) -> None:
        self._program = program("sshd", "openssh-server")
        self._keygen = program("ssh-keygen", "openssh-client")
        [port] = free_ports(1)
        super().__init__(directory, port)
        self.address = address
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.host_key = self._new_key("host_key")
        self._new_key("client_key")
        self.client_key = directory / "client_key"
        settings = {
            "Port": port, "ListenAddress": address, "HostKey": directory / "host_key", "PidFile": "none",
            "AuthorizedKeysFile": directory / "client_key.pub", "StrictModes": "no", "UsePAM": "no",
            "PermitRootLogin": "yes", "PasswordAuthentication": "no", "UseDNS": "no",
            "Subsystem": f"sftp internal-sftp -d {directory}{' -R' if read_only else ''}",
        }  # fmt: skip
        (directory / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def command(self) -> list[str]:
        return [self._program, "-D", "-e", "-f", str(self.directory / "sshd_config")]

    def _new_key(self, name: str) -> str:
        file = self.directory / name
        subprocess.run([self._keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True, timeout=30)
        return " ".join(file.with_suffix(".pub").read_text().split()[:2])


class VsFtpd(LogServer):
    """vsftpd with TLS, whose data connections must take up the control connection's session."""

    user = "ftp"

    def __init__(self, directory: Path, certificate: str, key: str, *, implicit: bool = False) -> None:
        self._program = program("vsftpd", "vsftpd")
        super().__init__(directory, free_ports(1)[0])
        first = free_block(_PASSIVE_PORTS)
        (directory / "empty").mkdir()
        yes = (
            "listen", "run_as_launching_user", "anonymous_enable", "write_enable", "anon_upload_enable",
            "anon_other_write_enable", "ssl_enable", "allow_anon_ssl", "force_anon_data_ssl", "force_anon_logins_ssl",
            "require_ssl_reuse",
        )  # fmt: skip
        no = ("background", "local_enable", "anon_world_readable_only", "seccomp_sandbox", "xferlog_enable")
        settings = {
            **dict.fromkeys(yes, "YES"), **dict.fromkeys(no, "NO"),
            "implicit_ssl": "YES" if implicit else "NO", "listen_address": "127.0.0.1", "listen_port": self.port,
            "pasv_min_port": first, "pasv_max_port": first + _PASSIVE_PORTS - 1, "anon_root": directory,
            "ftp_username": pwd.getpwuid(os.getuid()).pw_name, "secure_chroot_dir": directory / "empty",
            "rsa_cert_file": certificate, "rsa_private_key_file": key, "ssl_ciphers": "HIGH",
        }  # fmt: skip
        (directory / "vsftpd.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def command(self) -> list[str]:
        return [self._program, str(self.directory / "vsftpd.conf")]


class FaultyFtp(LogServer):
    """pyftpdlib with one fault: see faulty_ftp.py."""

    user = "store"

    def __init__(self, directory: Path, fault: str = "none", at_bytes: int = 0) -> None:
        super().__init__(directory, free_ports(1)[0])
        self._fault = [fault, str(at_bytes)]

    def command(self) -> list[str]:
        arguments = [str(self.port), str(self.directory), self.user, PASSWORD, *self._fault]
        return [sys.executable, "-W", "ignore", str(_FTP_SCRIPT), *arguments]
