"""The device broker: serial ports, reader drivers, the pool of readers and its leases. It never decides about money.

Begin with `pool` (who gets which reader) and `reader` (one reader at work).

Who gets which reader (values; no I/O)
    * `pool`            fair turns, leases and trust: when a reader may serve the next customer
    * `leases`          what the pool is asked with, and what it answers
    * `queue`, `turns`  those who wait, and whose turn it is
    * `seats`, `profiles`  the readers of the pool; which lane may use which devices
    * `figures`, `nightly`  how fair it has been; when each reader is reset at night

The pool at work
    * `lending`         asks the pool, tells readers and callers what follows, and keeps time
    * `bars`, `maintenance`  which readers are kept from payments, and why
    * `pool_desk`       what people see of it
    * `listing`, `standing`  the list of devices, the events and the metrics

One reader
    * `drivers/`        what a reader says and is told, as values; found by entry point
    * `reader`          its port, its driver and the step that is under way
    * `reader_owner`    whom it tells of itself
    * `port`, `port_lines`, `opening`  a serial port on the event loop: opened, lost, and found again
    * `examination`, `identity`, `testing`  who it is, whether it is the one that is meant, and whether it works
    * `ledger`          what happened to it since the start

What a reader is taken through for a caller
    * `steps`           a step answers one request
    * `customer_step`   what he is asked for now, and whose time it takes
    * `card_steps`, `slots`  the card: read, its last word, taken out
    * `pad_steps`, `pad_places`  signatures, numbers and codes, and at which pad or screen
    * `signature`, `signature_files`  a signature as a picture, and as a file
    * `key_steps`       the two halves of a key exchange
    * `updating/`       firmware, on a line of its own

The devices themselves
    * `fleet`, `fleet_desk`, `fleet_edit`  those of the settings, also when these change while the store sells
    * `finding/`        ports, and what hangs on them

The process
    * `service`         the operations, on the pool and the readers
    * `settings`        config/device_broker.toml
    * `errors`          what a caller is told when a step does not end well
"""
