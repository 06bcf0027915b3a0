"""The key manager: the one process that holds keys. It makes and checks MACs, and never shows a key.

Where to look:

* `states`        the life of a key, one table
* `keyring`       which key a message may use, a pure view of all keys
* `macs`          `mac.generate` and `mac.verify`, the hot path
* `counters`      DUKPT counters, reserved on disk before use
* `exchange`      how a key comes from the host, into the store or into a reader; `exchange_desk` who orders it,
                  `renewal` when nobody does, `reader_standing` what a reader's own word settles
* `trusted_time`  the time that keys expire by: the host's, out of `host_times`; `expiry` when an owner is warned
* `store`         the encrypted file, with `providers` (the key over the keys) and `audit` (the chain of what happened)
* `integrity`     is the installation what was signed? If not, no new payment gets a MAC
* `service`       the process around it
"""
