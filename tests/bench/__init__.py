"""How fast the whole chain is, beside a floor and a plain chain, in one run. docs/performance.md explains the figures.

* `chain`    tpayd itself: real processes, readers on ptys, a card host on TCP
* `floor`    the same hops, bytes and syncs with blocking raw sockets and no parsing: what the machine can do
* `plain`    a toy chain on zmq.asyncio and msgpack, as one writes it without thinking about speed
* `hops`     the messages of one sale, from which the floor is built
* `load`     the process that plays the POS, on a `wire` of its own, in a closed loop or at a `pace`
* `rounds`   who runs when, and what is counted meanwhile
* `contest`  all three chains in one run
* `matrix`   the same by load, lanes, journal and host delay: `summary` of its phases, `plots` of the summary
* `check`    whether the chain is slower than was recorded, by the rules of `guard`
"""
