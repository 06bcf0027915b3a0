"""Brings the store's logs to the vendor's server, and alters or loses none of them."""
