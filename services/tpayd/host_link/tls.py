"""TLS for the lines of a profile, made from its settings."""

from __future__ import annotations

import ssl
from pathlib import Path

from tpayd.host_link.settings import TlsSettings
from tpayd.kit.settings import SettingsError

__all__ = ["tls_context"]


def tls_context(settings: TlsSettings, home: Path, file: Path, field: str) -> ssl.SSLContext | None:
    """A client context that always checks the host's certificate and name, or None where TLS is off.

    `file` and `field` say where the settings stand. Raises SettingsError for a certificate that cannot be used.
    """
    if not settings.enabled:
        return None
    try:
        context = ssl.create_default_context(cafile=home / settings.ca_file if settings.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(file, f"{field}.ca_file", f"cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bool(settings.client_certificate) != bool(settings.client_key):
        problem = "a client certificate and its key come together, or not at all"
        raise SettingsError(file, f"{field}.client_key", problem)
    if settings.client_certificate:
        try:
            context.load_cert_chain(home / settings.client_certificate, home / settings.client_key)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(file, f"{field}.client_certificate", f"cannot be used: {error}") from error
    return context
