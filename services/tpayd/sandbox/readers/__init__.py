"""Virtual card readers: each a pty that speaks the STX frames of docs/reader-protocol.md, with its own DUKPT key.

* `line`     the frames, from the reader's side; an implementation apart from the broker's, so that two have to agree
* `customer` who carries them, and what he does when he is asked
* `rounds`   his time: what happens after a while, unless it is called off
* `cardslot` card transactions
* `pad`      signature, keys and scanner
* `emv`      what a test card's chip says
* `vault`    a reader's memory: key, counter and exchange, sealed on disk
* `virtual`  a whole reader, as values
* `plug`     the pty
* `service`  the process sandbox_readers
"""
