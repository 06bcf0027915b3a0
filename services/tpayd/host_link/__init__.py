"""host_link: the lines to the card host. Bytes out, the matching bytes back; it does not know what a payment is.

Pure, without I/O:
* `line`      the life of one line as a table, and every wait in it
* `matching`  which answer belongs to which request

The shell around it:
* `connection`  one TCP or TLS connection: frames in and out
* `deadlines`   one timer for all waits
* `driver`      one line: dials, signs on, keeps alive, dials again
* `pool`        the lines of a profile: which one carries an exchange, and how each exchange ends
* `service`     the process: operations, events, health
"""
