"""What keeps the processes up.

* `programs`   which processes an instance runs, and in which order they end
* `conf`       supervisor's configuration, generated into the instance directory
* `daemon`     starts and ends an instance as a whole, for the command line
* `boot`, `systemctl` the unit that starts it at boot, and systemd's own commands
* `separation`, `handing_over` give each process a user of its own, where root starts them
* `control`    asks the running supervisor, over its private socket
* `launcher`   keeps supervisord itself alive; standard library only, so that no release can break it
* `outside`    puts a copy of the launcher outside all releases, and notes where tpayd was installed
* `changeover` the launcher's part in going over to another release, and back
* `judge`      when a release on trial has failed, without I/O
* `supervisord`, `processes` the supervisord that runs, and what /proc tells of an instance's processes
* `private_bytecode` the directory for the bytecode of all that the launcher starts
* `prepare`    has a release write supervisor's configuration for its own processes
* `warm_up`    compiles once what all processes import, for a launcher that has just started
* `watchdog`   supervisor's event listener: finds hung processes and given-up ones
* `watching`   what it does about an event
* `vigil`      the watchdog's rules, without I/O
* `wakefulness` whether the watchdog itself is awake; the launcher asks
* `watch_figures` what it measures

Who restarts whom: the launcher restarts supervisord, supervisord restarts what died, the watchdog kills what hangs (and
supervisord then restarts it) and starts again what supervisord has given up on. Nobody restarts the launcher, unless
systemd does: without it, everything goes on as it is, and the next `tpayd up` starts a launcher that takes over.
"""
