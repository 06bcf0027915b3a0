"""Finds ports and what hangs on them.

* `scan`       what to ask at which port next, from what was heard so far; pure
* `proposing`  what to configure, from what was found; pure
* `names`      port names that survive replugging, and the ports that there are
* `holder`     which program has a port open
* `probe`      one question at one port
* `searching`  a search at work: ports side by side, in bounded time
* `locating`   finds the readers that are configured by their serial number
"""
