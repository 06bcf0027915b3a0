"""tpayd: an open payment daemon for stores. One folder per process; `kit` is what every process stands on."""

__version__ = "0.1.0"
