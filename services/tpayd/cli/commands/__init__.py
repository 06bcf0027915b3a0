"""One file per group of commands. Each is imported when it is called."""
