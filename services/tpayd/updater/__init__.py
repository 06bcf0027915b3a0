"""The updater: releases of tpayd itself, and the readers' firmware. It never holds up a payment.

* `service`   the process
* `settings`  config/updater.toml

Releases, in the order of their way in (docs/adr/0024):

* `trusted`    what the vendor has signed, and the files of it (TUF)
* `staging`    installs a release beside the running one, into an environment of its own
* `desk`       the operations `update.*`: check, download, apply, and the notice
* `switching`  waits until no payment is under way and orders the launcher to go over
* `trial`      after the restart: is all as ready as before? Then it is committed; else the launcher goes back

The journal of all this, and the places of the releases, are in `tpayd.releases`, which the launcher reads as well.
"""
