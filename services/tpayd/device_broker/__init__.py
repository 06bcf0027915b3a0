"""The device broker: serial ports, reader drivers, the pool of readers and its leases.

* `pool`     who gets which reader, and when it may be trusted with the next customer: pure
* `drivers`  what a reader says and is told, as values: pure
* `port`     one serial port on the event loop
* `reader`   a port, its driver and the step that is under way
* `service`  the operations of `tpayd_contracts.device`

It never decides about money.
"""
