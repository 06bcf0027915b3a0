"""A store for tests: an instance of its own, real processes, and no trace afterwards.

Every process, keys exchanged, a card at every reader:

    with Store(tmp_path) as store:
        store.open_shop(card="...")
        with store.client() as pos:
            assert Verdict.PAID == pos.sale("1", 11_000).verdict

Some processes, or all under launcher and supervisor:

    with Store(tmp_path, services=("sandbox_host", "host_link")) as store:
        store.wait_ready()
        store.restart("host_link")
    with SupervisedStore(tmp_path) as store:
        store.wait_restarted("gateway", store.kill("gateway"))

Processes end with the thread that started them: use a store from the main thread.
"""

from tests.harness.card_scan import card_numbers_in
from tests.harness.command_line import Said, tpayd
from tests.harness.processes import ServiceProcess
from tests.harness.store import Store
from tests.harness.supervised import SupervisedStore
from tests.harness.waiting import eventually

__all__ = ["Said", "ServiceProcess", "Store", "SupervisedStore", "card_numbers_in", "eventually", "tpayd"]
