"""The adapter object that the registry hands out: one method per question, each answered by its module."""

from __future__ import annotations

from tpayd.hosts.answers import MatchKey, Opened, Unsealed
from tpayd.hosts.iso8583 import codec, matching, opening, requests
from tpayd.hosts.iso8583.spec import Mti, Network
from tpayd.hosts.messages import MacedMessage, NetworkMessage

__all__ = ["Iso8583Adapter", "adapter"]

_DONE = "00"


class Iso8583Adapter:
    """See `tpayd.hosts.HostAdapter`."""

    name = "iso8583"

    def encode(self, message: MacedMessage) -> Unsealed:
        return codec.pack_unsealed(*requests.maced_fields(message))

    def encode_network(self, message: NetworkMessage) -> bytes:
        return codec.pack(*requests.network_fields(message))

    def seal(self, unsealed: Unsealed, ksn: bytes, mac: bytes) -> bytes:
        return codec.seal(unsealed, ksn, mac)

    def split_mac(self, raw: bytes) -> tuple[bytes, bytes]:
        return opening.split_mac(raw)

    def match_key(self, raw: bytes) -> MatchKey:
        return matching.match_key(raw)

    def is_answer(self, raw: bytes) -> bool:
        return matching.is_answer(raw)

    def open(self, raw: bytes) -> Opened:
        return opening.open_answer(raw)

    def host_time_ms(self, covered: bytes) -> int | None:
        return opening.host_time_ms(covered)

    def reply_to(self, raw: bytes) -> bytes | None:
        fields = codec.unpack(raw)
        if fields.mti != Mti.NETWORK or fields.get("70") != Network.ECHO:
            return None
        echoed = {number: fields[number] for number in ("7", "11", "41", "70")}
        return codec.pack(Mti.NETWORK_ANSWER, {"39": _DONE, **echoed})


adapter = Iso8583Adapter()
