"""An order comes in: what of it may be kept, whose code it is, does it repeat another, what it takes back.

* `intake`       what of a request may be written down, and what may only be carried
* `beginning`    a payment as it begins, under the settings of the moment
* `wallets`      whose QR code or barcode it is
* `twins`        does it look like a payment that was just made
* `originals`    what a void takes back: found, checked, marked in the commit of its approval
* `claims`       by which void, one at a time
* `membership`   reads a membership card; no payment
"""
