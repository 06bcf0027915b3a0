"""Where the key over the keys comes from: a passphrase in a file, or, behind the same few methods, a token.

* `provider`    what a provider is, and how one is found by its name
* `passphrase`  the one that comes with the daemon
* `checks`      what every provider must hold to; any can be tried: `python -m tpayd.key_manager.providers.checks NAME`
"""

from tpayd.key_manager.providers.provider import GROUP, KeyProvider, ProviderPlace, Sealing, UnknownProviderError, load

__all__ = ["GROUP", "KeyProvider", "ProviderPlace", "Sealing", "UnknownProviderError", "load"]
