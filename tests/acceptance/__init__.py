"""A store from nothing to the end of its day, by the command line alone: what a new user would try.

`python -m tests.acceptance` (`make shop-day`) founds a sandbox, finds its readers, gives them their keys and sells on
all lanes at once, while one reader is pulled out and another put in. Then it compares three books: what the tills were
told, what the daemon says, and what the card host has booked.
"""
