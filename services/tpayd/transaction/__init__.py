"""The transaction process: decides about money, and nothing else does.

Begin with `flow`: it is the whole life of a payment, as a pure table. The modules around it say what a payment, an
order, an event and an effect are; all others carry out what the table says.

The table, and what it speaks of (values; no I/O)
    * `flow`              (payment, event, now) → (payment, effects), and the rules of the machine
    * `payment`           what is known of one payment
    * `order`             what was ordered, and what each kind of order asks of the table
    * `events`            what can happen to a payment; each is a row of the journal
    * `effects`           what the table asks of the shell
    * `verdict`           state → PAID, NOT PAID or WAIT, and what a POS is told
    * `waits`             when WAIT ends
    * `texts`             what cashier and customer read
    * `receipt`           a receipt's fields

A payment runs
    * `desk`              one payment per lane, one answer per key; the life cycle of all payments
    * `lookup`            which payment a lane and a request id mean: from memory, from disk, or buried now
    * `unacknowledged`    what becomes of one that its POS does not acknowledge
    * `registry`          the payments that are in memory
    * `case`              one of them: its value, its journal, and who waits for it
    * `settling`          its progress, told once it has stood for a moment
    * `orders/`           an order comes in: what may be kept of it, what it takes back, does it look like a repeat
    * `steps/`            a payment's run, effect by effect: reader, keys and host, numbers, leases
    * `errands/`          what outlives the run: reversals, inquiries, the POS's acknowledgement
    * `aftermath`         what may be said of payments after the store was restored from a backup

On disk, and asked later
    * `journal/`          events in chains of hashes, and the last value of each payment
    * `books`             journal, clock, log and merchant, as every payment needs them
    * `records/`          stories, receipts, what is owed, what a person settles
    * `closing/`          close of business

Beside payments by POS
    * `standalone/`       payments without a POS
    * `terminals/`        which terminals are open, whose they are, fraud-cancel prevention

The process
    * `service`           puts it together, and serves the operations
    * `settings`          config/transaction.toml
    * `figures`           how payments ended and whose time they took, as metrics
"""
