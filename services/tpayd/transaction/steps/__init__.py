"""A payment runs: one effect of the table after the other.

* `runner`         carries them out, until none is left
* `work`           what each of them is, and what it needs of the others
* `leases`         the readers that this process holds
* `reader`         card, code, signature, the card's last word
* `host`           seal, send once, believe only what is MACed
* `requests`       what the host is asked, from what is known of a payment
* `stans`          a request's number, unique and reserved on disk
* `business_day`   and its date
"""
