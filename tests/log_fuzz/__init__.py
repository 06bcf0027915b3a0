"""Fuzzed payment traffic through a real store, whose logs must hold no card number afterwards: `make log-fuzz`."""
