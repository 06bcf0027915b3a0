"""The sandbox's card host: a real TCP server with a real ledger, and play money.

Pure:
* `triggers`    what an amount asks the host to do
* `cards`       what a card number says: mask, token, issuer, expiry, PIN
* `numbers`     what a keyed number or a scanned code says
* `voids`       whether a void or a refund may take back what it names
* `delivery`    how an answer leaves: late, twice, split …

With state:
* `keychain`    the host's keys, derived when needed
* `schema`      the ledger's file
* `ledger`      every request as it was booked, durable before it is answered
* `lookups`     questions to the ledger: originals, balances, totals
* `judging`     what the host says to a financial request, before it is booked
* `replies`     what it says in its answers
* `merchants`   whose terminals the host knows
* `issuing`     keys given out to terminals and readers
* `network`     what it says to lines and key exchanges
* `asked`       a financial request on its way through the desk
* `desk`        the requests of a loop turn, from bytes to bytes
* `session`     one connection
* `service`     the process
"""
