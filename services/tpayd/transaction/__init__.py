"""The transaction process: decides about money, and nothing else does.

`flow` is the whole life of a payment as a pure table; `payment`, `events` and `effects` are its nouns. The rest is the
shell around it: `runner` carries out the effects of one payment, `reversals` takes back what must not stand,
`journal/` remembers, `desk` keeps one payment per lane and one answer per key, `service` is the process.
"""
