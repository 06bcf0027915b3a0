"""The vendor's server for log bundles, as a sandbox has it: SFTP over a directory, which can be told to fail.

* `identity`   user, password and host key, which are no secrets
* `faults`     what goes wrong with a connection, and for how long. Pure
* `server`     SFTP, by asyncssh
* `service`    the process
"""
