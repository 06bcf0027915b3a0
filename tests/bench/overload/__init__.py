"""What happens when more payments are asked for than can be made.

`load` plays all POS at once and asks on a timetable, whether or not anybody answers (an open loop); `tally` accounts
for every single request; `books` compares what the POS were told with the journal and with the host's ledger.
"""
