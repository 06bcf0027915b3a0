"""Payments without a POS [단독결제] (T15): who may make one, what is kept of it, and for how long.

* `gate`     may this lane make one, and on whose behalf
* `slip`     what is told and never kept: a value beside the payment
* `stubs`    what is left until close of business, and its purge
"""
