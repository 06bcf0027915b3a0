"""A server of releases and firmware that can be told to fail: HTTP over the directory of a repository."""
