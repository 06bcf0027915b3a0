"""The sandbox's card host: a real TCP server with a real ledger, and play money.

Pure:
* `triggers`    what an amount asks the host to do
* `cards`       what a card number says: mask, token, issuer, expiry
* `delivery`    how an answer leaves: late, twice, split …

With state:
* `keychain`    the host's keys, derived when needed
* `ledger`      every request as it was booked, durable before it is answered
* `issuing`     keys given out to terminals and readers
* `desk`        one request from bytes to bytes
* `session`     one connection
* `service`     the process
"""
