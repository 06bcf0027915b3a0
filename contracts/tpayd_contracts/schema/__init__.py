"""The contract as data: JSON Schema, AsyncAPI and golden messages, all generated from the Structs.

`python -m tpayd_contracts.schema` writes them to `contracts/schema/`, `--check` says whether they are up to date, and
`--release` freezes the present contract version: from then on `tpayd_contracts.compatibility` compares with it.

* `described`  the docstrings of fields and enum members, which msgspec does not carry
* `bundle`     the whole contract as one document: operations, events, envelope, `$defs`
* `documents`  one JSON Schema per operation
* `asyncapi`   one AsyncAPI 3.0 document of what a client may say to the gateway
* `golden`     example messages as the bytes that cross a socket
* `files`      which file holds what
"""
