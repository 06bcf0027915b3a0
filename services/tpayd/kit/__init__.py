"""What every process stands on. A service is written against this package and knows no socket, signal or file handle.

* `process`   run a service: its life from the command line to exit code 0
* `house`     what a service is handed: its instance, settings, clock, log, metrics and the bus
* `bus`       calls and events between processes
* `settings`, `store_settings`   TOML files, validated; what every service shares
* `instance`  the directory of one installation
* `clock`     time, injected
* `logs`, `log_file`, `redaction`   JSON lines without card data
* `metrics`, `request_stats`        Prometheus, on loopback; `timings`, `scrape_target`
* `life`, `health`, `guard`, `lock`, `linux`, `timers`, `loop_lag`   one idea each, used by `process`
"""
