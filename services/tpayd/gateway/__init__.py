"""gateway: who are you, what may you ask. The one door for clients, on ipc and on tcp with CURVE.

It knows clients, sessions and bounds, and nothing of a payment: a request that passes is handed on as the bytes it
came in, and what comes back goes back as bytes.

* `clients`    who may come: clients.toml and the key files
* `admission`  HELLO: is this client who it says, and what may it ask
* `relay`      requests down, progress and answers up
* `feed`       events to those who asked for them
* `overview`   health of the whole store
* `service`    all of it as one process
"""
