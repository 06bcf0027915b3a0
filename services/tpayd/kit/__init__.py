"""What every process stands on. A service is written against this package and knows no socket, signal or file handle.

* `process`   run a service: its life from the command line to exit code 0
* `house`     what a service is handed: its instance, settings, clock, log, metrics and the bus
* `bus`       calls and events between processes
* `settings`, `store_settings`   TOML files, validated; what every service shares
* `settings_desk`, `settings_file`, `settings_history`, `toml_edit`   settings shown, changed and restored at run time
* `paging`    answers that grow with the store; `device_list`, `key_list` ask for all pages of one
* `instance`  the directory of one installation
* `clock`     time, injected
* `logs`, `log_file`, `redaction`   JSON lines without card data
* `leaks`     the proof that redaction has left nothing behind
* `traceparent`, `trace_log`        what joins the lines that all processes write about one request
* `metrics`, `request_stats`        Prometheus, on loopback; `metrics_server`, `timings`, `noted`, `scrape_target`
* `durable_file`   a file that is replaced as a whole, whatever dies
* `plugins`, `users`, `crashpoints`   entry points; a user for each process; where a test may kill one
* `first_steps`, `life`, `health`, `guard`, `lock`, `linux`, `timers`, `loop_lag`   one idea each, used by `process`
"""
