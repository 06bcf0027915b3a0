"""Which terminals are open, whose they are, and what an unopened one may do (T20, T21).

* `register`    the list of open terminals and their merchants: a value
* `staging`     changes to it that count only once they are committed: a value
* `password`    the settings password, and the tries that it has left: a value
* `guard`       who knows the password
* `files`       both on disk
"""
