"""The store in one process under one virtual clock: real services, simulated bus, disk, lines, readers, host and POS.

`world` puts it together, `plan` decides what happens in it, `oracle` says whether money was lost. Everything follows
from one seed, so a failure is repeated by its number.
"""
