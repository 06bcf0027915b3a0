"""A store for tests: an instance of its own, real processes, and no trace afterwards.

with Store(tmp_path) as store:                                          # every process
    store.wait_ready()
    ...
with Store(tmp_path, services=("sandbox_host", "host_link")) as store:  # only these
    store.kill("host_link", signal.SIGKILL)
"""

from tests.harness.card_scan import card_numbers_in
from tests.harness.processes import ServiceProcess
from tests.harness.store import Store
from tests.harness.waiting import eventually

__all__ = ["ServiceProcess", "Store", "card_numbers_in", "eventually"]
