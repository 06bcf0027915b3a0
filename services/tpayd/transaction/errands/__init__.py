"""What outlives a payment's run: taken back, asked about, waited for.

* `queue`              errands to the host, one at a time per terminal, until each is done
* `reversals`          takes back what must not stand
* `inquiries`          asks what became of a cash-IC payment
* `acknowledgements`   which POS has not said that it knows
"""
