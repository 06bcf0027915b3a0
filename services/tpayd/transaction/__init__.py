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

An order comes in
    * `intake`            what of a request may be written down, and what may only be carried
    * `wallets`           whose QR code or barcode it is
    * `desk`              one payment per lane, one answer per key; the life cycle of all payments
    * `registry`          the payments that are in memory
    * `case`              one of them: its value, its journal, and who waits for it
    * `twins`             does it look like a payment that was just made
    * `originals`         what a void takes back: found, checked, marked in the commit of its approval
    * `claims`            by which void, one at a time
    * `membership`        reads a membership card; no payment

A payment runs
    * `runner`            carries out the table's effects, one after the other
    * `leases`            the readers that this process holds
    * `reader_steps`      card, code, signature, the card's last word
    * `host_steps`        seal, send once, believe only what is MACed
    * `requests`          what the host is asked, from what is known of a payment
    * `stans`             its numbers, unique and reserved on disk
    * `business_day`      its date

What outlives the run
    * `errands`           one at a time per terminal, until each is done
    * `reversals`         takes back what must not stand
    * `inquiries`         asks what became of a cash-IC payment
    * `acknowledgements`  which POS has not said that it knows

On disk, and asked later
    * `journal`           events in chains of hashes, and the last value of each payment
    * `bookkeeping`       opens it, purges it, looks after it
    * `books`             journal, clock, log and merchant, as every payment needs them
    * `records`           stories, receipts, what is owed, what a person settles
    * `closing`           close of business

Beside payments by POS
    * `standalone`        payments without a POS
    * `terminals`         which terminals are open, whose they are, fraud-cancel prevention

The process
    * `service`           puts it together, and serves the operations
    * `settings`          config/transaction.toml
"""
