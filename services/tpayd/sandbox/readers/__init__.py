"""Virtual card readers: each a pty that speaks the STX frames of docs/reader-protocol.md, with its own DUKPT key.

* `line`     the frames, from the reader's side; an implementation apart from the broker's, so that two have to agree
* `cards`    the test cards of sandbox/cards.toml
* `emv`      what a test card's chip says
* `vault`    a reader's memory: key, counter and exchange, sealed on disk
* `virtual`  a reader and its customer, as values
* `plug`     the pty
* `service`  the process sandbox_readers
"""
