"""Close of business: what stands in the journal of a day, beside what the card host and the POSes have.

`totals` adds up and `comparing` compares, both as values; `day_book` reads the journal, `desk` is the shell around
them. A close changes nothing about any payment: it compares, and keeps its report.
"""
