"""Makes a new instance: settings filled in from the shipped models, secrets, and for a sandbox its test data.

* `plan`       what a new instance shall be
* `values`     which value goes into which setting of which file
* `model`      fills values into a settings file and keeps its comments
* `secrets`    random secrets, readable by their owner alone
* `journal_url`  says in the settings where the journal is
* `signing`    signs the installation on this machine, and has the instance trust that key
* `founding`   all of it, in an order that survives being interrupted
"""

from tpayd.provision.founding import AlreadyFoundError, found
from tpayd.provision.plan import MerchantPlan, Plan

__all__ = ["AlreadyFoundError", "MerchantPlan", "Plan", "found"]
