"""The key manager: the one process that holds keys. What moves money passes through it; it never shows a key.

Where to look:

* `states`        the life of a key, one table
* `keyring`       which key a message may use, a pure view of all keys
* `relay`         `mac.exchange`, the hot path: a request goes out with its MAC, its answer comes back checked
* `macs`          MACs under the keys of the keyring
* `counters`      DUKPT counters, reserved on disk before use by `reserving`; `put_off` is where messages wait meanwhile
* `exchange`      how a key comes from the host, into the store or into a reader; `exchange_desk` who orders it,
                  `renewal` when nobody does, `reader_standing` what a reader's own word settles
* `trusted_time`  the time that keys expire by: the host's, out of `host_times`; `expiry` when an owner is warned
* `store`         the encrypted file, with `providers` (the key over the keys) and `audit` (the chain of what happened)
* `integrity`     is the installation what was signed? If not, no new payment gets a MAC
* `service`       the process around it
"""
