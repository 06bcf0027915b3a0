"""Backups of an instance: taken while it sells, restored so that nothing comes twice.

* `contents`   what of an instance is in a backup, and how each part is copied while it is in use
* `manifest`   the list of what is in it, with hashes
* `envelope`   the file around it: a line for people and scripts, then age's format
* `archive`    manifest and files as a stream; read back, each hash is checked
* `creating`   takes one, verifies it, keeps the last few
* `restoring`  puts one into place and makes it safe to go on with
* `last`       when the last one was taken, for `tpayd doctor`
"""
