"""What lies in an installation, signed: a library for the key manager, the command line and `ops/release`.

* `manifest`      the signed list of files, and its two kinds
* `envelope`      the signature around a list (DSSE, Ed25519)
* `trust`         whose signature counts: the public keys that an instance pins
* `environment`   the Python environment that is checked, and what its interpreter may import besides
* `records`       what installed packages say of their own files (RECORD)
* `wheels`        the list of a release, from its wheels
* `signing`       lists and signs an environment on the machine where it lies
* `scan`          compares a tree with a list; standard library only, a process of its own
* `scanning`      runs `scan` and bounds it
* `checking`      all of it: signatures, lists, files

docs/integrity.md says what is proven by it and what is not; docs/adr/0021 why two lists and two keys.
"""
