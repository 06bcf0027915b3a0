"""The updater: releases of tpayd itself, and the readers' firmware. It never holds up a payment.

The process
    * `service`      puts it together
    * `settings`     config/updater.toml
    * `errors`       what can go wrong between a repository and this store
    * `downloader`   not the process: `tpayd-download`, one file for machines that have nothing yet (`ops/release`)

Releases, in the order of their way in (docs/adr/0024, docs/adr/0025)
    * `trusted`      what the vendor has signed, and the files of it (TUF)
    * `metadata`, `targets`, `release`  the signed metadata; files; what a release says of itself
    * `fetching`, `limited_connection`, `patience`, `fetched`  from a server that is trusted with nothing, onto the disk
    * `source`       which release is next, and its wheels on disk
    * `fitting`, `machine`  which are newer, and what fits here
    * `staging`      installs a release beside the running one, into an environment of its own
    * `examining`    looks at it before any payment is held back for it
    * `desk`         the operations `update.*`: check, download, apply, restart
    * `standing`     how it stands by the apply journal: the last attempt, and what waits installed
    * `work`, `telling`, `refusals`  what it is doing now; in the contract's words; why something is not done
    * `automatic`, `occasions`  what it does by itself, and when
    * `switching`    waits until no payment is under way and orders the launcher to go over
    * `proving`      after the restart: is all as ready as before? Then it is committed; else the launcher goes back
    * `cleaning`     removes releases that nobody goes back to

Readers' firmware
    * `firmware/`    what vendors offer, what fits which reader, and the way from the one into the other (docs/adr/0026)

The journal of all this, and the places of the releases, are in `tpayd.releases`, which the launcher reads as well.
"""
