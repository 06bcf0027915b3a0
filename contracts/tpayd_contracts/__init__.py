"""What crosses a socket in tpayd: one envelope, one Struct per operation, one call graph.

This package is the contract alone. It imports nothing of the services, so that a tool, a test or a client in
another language can be generated from it. Its version (`tpayd_contracts.version`) moves apart from the code's.

Where to look:

* `envelope`  the one frame every message is, and its kinds
* `errors`    error codes, and what each says about the outcome
* `money`     amounts: integers in minor units whose parts add up
* `payment`, `device`, `host`, `keys`, `gateway`, `health`, `sandbox`   one module per service
* `graph`     who may call what
* `catalogue` every operation by name
"""
