"""The key manager's watch over the installation [무결성체크].

* `gate`      whether a new payment may have its MAC
* `book`      the last results, kept on disk
* `schedule`  when the daily check is due, without I/O
* `files`     one check of the installed files, in a thread
* `readers`   the readers' self-tests, as the device broker makes them
* `reporting` what is told of the results, so that it fits a frame
* `desk`      when it is checked, who asks, and what follows
"""
