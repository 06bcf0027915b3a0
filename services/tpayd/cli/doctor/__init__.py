"""`tpayd doctor`: looks at everything that a store needs, and says what to do.

* `finding`    what a check says
* `look`       what is asked once, and used by all checks
* `files`      settings, permissions, disk
* `machine`    clock, ports, start at boot
* `processes`  launcher, supervisor, each process, versions, metrics
* `payments`   journal, keys, integrity, host line, readers, what needs a person
* `operations` updates, log shipping, backups
* `table`      all checks, in the order in which they are told
"""
