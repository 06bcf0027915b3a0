"""The cryptography of tpayd: pure functions over bytes, shared by the key manager and the sandbox.

* `dukpt`        one key per transaction, from an initial key and a counter (AES-DUKPT, X9.24-3)
* `mac`          message authentication codes of host messages
* `track`        card data as it leaves a reader
* `data`         a keyed number or a scanned code on its way to the host
* `exchange`     the two messages that bring an initial key to a reader or a terminal
* `check_value`  what two parties compare to know that they hold the same key
* `errors`       what can be wrong, never with a key or card data in the text

Nothing here does I/O or keeps a key longer than its caller does. Python cannot promise that a key leaves memory.
"""
