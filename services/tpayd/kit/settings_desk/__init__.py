"""Settings at run time: shown, changed, restored and preset, by every service for the files that it owns.

* `leaves`  the single settings of a file, as its Struct declares them: pure
* `guide`   what people are told of each, and the presets: guide.toml
* `served`  a file as a process serves it, with what it runs with
* `desk`    the operations
"""

from tpayd.kit.settings_desk.desk import SettingsDesk
from tpayd.kit.settings_desk.guide import guide
from tpayd.kit.settings_desk.leaves import leaves
from tpayd.kit.settings_desk.served import Elsewhere, Rules, Served

__all__ = ["Elsewhere", "Rules", "Served", "SettingsDesk", "guide", "leaves"]
