"""Brings a log bundle to the vendor's server: SFTP, FTPS, or plain FTP where the settings allow it. A library.

    receipt = await deliver(bundle, sha256, settings.destination, home=instance.home, on_progress=show)

One call is one try, from the connection to the `.sha256` beside the bundle; what a broken try has left on the server is
gone on with by the next. Who calls asks `after_failure` when that shall be. To stop a try, cancel its task.

Pure:
* `types`       progress and receipt
* `errors`      why a try failed, from the viewpoint of whoever has to act
* `retry`       which failure is worth another try, and when
* `pace`        total deadline and least speed
* `settings`    a destination, as the settings file has it
* `host_keys`   an SSH server's key, and whether it is the pinned one
* `sentences`   what people read when it fails

With I/O:
* `deliver`     one try
* `carry`       its steps, the same for every protocol
* `watch`       tells its progress, and ends it when it no longer gets on
* `remote`      what the steps need of a server
* `sftp`, `ftp` the servers, by asyncssh and ftplib
"""

from tpayd.log_shipper.delivery.deliver import deliver
from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.retry import Again, after_failure
from tpayd.log_shipper.delivery.settings import DestinationSettings
from tpayd.log_shipper.delivery.types import Deliver, OnProgress, Progress, Receipt, Stage, Verified

__all__ = [
    "Again",
    "Deliver",
    "DeliveryError",
    "DestinationSettings",
    "OnProgress",
    "Progress",
    "Reason",
    "Receipt",
    "Stage",
    "Verified",
    "after_failure",
    "deliver",
]
