"""Brings the store's logs to the vendor's server, and alters or loses none of them.

The way of a bundle
    * `outbox`       what was asked for, how far it is, and the bundles that wait; it survives any death
    * `queue`        which bundle comes next, and which has to go
    * `collecting`   the log files as they are at one moment, while others write and rotate them
    * `proving`, `scrubbing`  no card number, track or key in them, or it is written over
    * `packing`      tar, zstd, age: nothing of it lies on the disk in the clear
    * `manifest`, `naming`  what it says of itself, and what it is called
    * `delivery/`    SFTP, FTPS or FTP, in tries that go on
    * `opening`      the vendor's end: opens a bundle, and compares it with its manifest

The process
    * `shipper`      the work itself: one bundle packed and one delivered at a time
    * `crashes`      which process has died by a fault
    * `service`, `settings`, `gauges`, `errors`
"""
