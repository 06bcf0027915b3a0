"""An example of every message: what golden messages are made of, and a newcomer's first look at the contract.

They tell one story: client `lane-1` sells for 11,000 won on reader `front`, against the sandbox. Values have the right
shape and length; cryptograms, MACs and key material are made up.
"""

from __future__ import annotations

from msgspec import Struct

from tpayd_contracts import (
    device,
    firmware,
    gateway,
    health,
    host,
    integrity,
    keys,
    logs,
    pad,
    payment,
    pooling,
    sandbox,
    sandbox_logs,
    sandbox_updates,
    taking,
    updates,
)
from tpayd_contracts.errors import ErrorBody, ErrorCode, Outcome
from tpayd_contracts.example_business import BUSINESS
from tpayd_contracts.example_firmware import FIRMWARE, FIRMWARE_EVENT
from tpayd_contracts.example_fleet import FLEET
from tpayd_contracts.example_integrity import INTEGRITY, INTEGRITY_EVENT
from tpayd_contracts.example_logs import LOGS, LOGS_EVENT
from tpayd_contracts.example_payments import AT_MS, PAYMENTS, REQUEST_ID, Example
from tpayd_contracts.example_pooling import POOL_EVENT, POOLING
from tpayd_contracts.example_records import RECORDS
from tpayd_contracts.example_settings import OPTIONS, SETTINGS
from tpayd_contracts.example_steps import STEPS
from tpayd_contracts.example_terminals import TERMINALS
from tpayd_contracts.example_updates import NOTICE_EVENT, UPDATE_EVENT, UPDATES
from tpayd_contracts.operation import Empty, Right

__all__ = [
    "ERROR",
    "EVENTS",
    "EXAMPLES",
    "HELLO",
    "REQUEST_ID",
    "SESSION",
    "TRACE",
    "Example",
]


SESSION = "s-5b1f2c"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

_AT = "20260302101530"
_KSN = bytes.fromhex("123456789012345600000001")
_READER_ID = "TPAYD-VIRTUAL-READER-00000000001"
_LEASE_REF = device.LeaseRef(lease_id="l-000017", fence=17)
_LEASE = device.Lease(lease_id="l-000017", fence=17, device="front", label="Reader 1", reader_id=_READER_ID, ttl_s=15.0)
_WISH = device.AcquireLease(lane="1", payment_id="p-1-000042", abilities=(device.Ability.IC,), avoid=("back",))
_CARD = device.ReadCardResult(
    entry_mode=payment.EntryMode.IC,
    masked_pan="476173******0119",
    ksn=_KSN,
    cipher=bytes(range(48)),
    emv=bytes.fromhex("9f260811223344556677889f360200428407a0000000031010"),
    label="VISA CREDIT",
    reader_us=410_000,
    customer_us=1_800_000,
)
_PRESENT_CARD = device.CardProgress(prompt=device.CardPrompt.PRESENT_CARD, remaining_ms=30_000)

_DEVICE = device.Device(
    name="front",
    label="Reader 1",
    state=device.DeviceState.LEASED,
    driver="stx",
    port="/dev/ttyUSB0",
    abilities=(device.Ability.IC, device.Ability.STRIPE, device.Ability.CONTACTLESS),
    pool="shared",
    model="TPAYD-V",
    serial_number="V000000001",
    firmware="10000",
    reader_id=_READER_ID,
    leased_to="1",
)
_LINE = host.Line(
    profile="test",
    name="test/1",
    state=host.LineState.SIGNED_ON,
    address="127.0.0.1:7720",
    in_flight=1,
)
_KEY = keys.KeyInfo(
    key_id="k-20260302-1",
    usage=keys.KeyUsage.READER_DATA,
    owner=_READER_ID,
    profile="test",
    state=keys.KeyState.ACTIVE,
    check_value="8CA64DE9C1",
    injected_at_ms=AT_MS,
    expires_at_ms=AT_MS + 94_694_400_000,
    device="front",
)
_HEALTH = health.Health(
    service="gateway",
    readiness=health.Readiness.DEGRADED,
    version="0.1.0",
    pid=4711,
    uptime_s=12.5,
    loop_lag_ms=0.75,
    dependencies=(health.Dependency(name="host_link", ok=False, detail="not connected"),),
    sandbox=True,
    profile="test",
)
_READERS = sandbox.ReaderList(
    readers=(
        sandbox.VirtualReaderStatus(
            name="front",
            port="sandbox/readers/front",
            plugged=True,
            state="idle",
            key_loaded=True,
            auto_card="visa-ic",
        ),
    ),
    cards=("visa-ic", "master-contactless", "local-stripe"),
)
_LOGS_SERVER_STATUS = sandbox_logs.LogsServerStatus(
    behaviour=sandbox_logs.LogsBehaviour(fault=sandbox_logs.LogsFault.CUT, at_bytes=20_000, times=3),
    url="sftp://127.0.0.1:7722/incoming",
    host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaEvOoLl0",
    directory="/var/lib/tpayd/sandbox/logs/incoming",
    connections=4,
    files=("store-20261122T120000Z.tar.zst.age", "store-20261122T120000Z.tar.zst.age.sha256"),
)
_UPDATES_STATUS = sandbox_updates.UpdatesServerStatus(
    behaviour=sandbox_updates.UpdatesBehaviour(
        fault=sandbox_updates.UpdatesFault.CUT, only="targets/wheels/*", at_bytes=4096, times=1
    ),
    url="http://127.0.0.1:7721",
    directory="/var/lib/tpayd/sandbox/updates",
    requests=7,
)
_HOST_STATUS = sandbox.HostStatus(
    behaviour=sandbox.HostBehaviour(mode=sandbox.HostMode.DECLINE, code="51", delay_ms=250, times=1),
    address="127.0.0.1:7720",
    connections=1,
    approvals=41,
    reversals=1,
)

HELLO = Example(
    gateway.Hello(client="lane-1", contract="1.0", software="CornerPOS 3.2", incarnation="b2c9d5a0"),
    gateway.Welcome(
        session=SESSION,
        contract="1.0",
        server="gateway",
        version="0.1.0",
        lanes=("1",),
        right=Right.POS,
        max_frame_bytes=65_536,
        max_in_flight=16,
        max_ttl_ms=300_000,
        sandbox=True,
    ),
)

ERROR = ErrorBody(
    code=ErrorCode.INVALID_BODY,
    message="Expected `int` >= 0 - at `$.amount.vat_minor`",
    outcome=Outcome.NOT_STARTED,
    field="$.amount.vat_minor",
)

EVENTS: dict[str, Struct] = {
    device.TOPIC_DEVICE: device.DeviceEvent(device=_DEVICE, at_ms=AT_MS),
    host.TOPIC_LINE: host.LineEvent(line=_LINE),
    firmware.TOPIC_FIRMWARE: FIRMWARE_EVENT,
    integrity.TOPIC_INTEGRITY: INTEGRITY_EVENT,
    logs.TOPIC_LOGS: LOGS_EVENT,
    keys.TOPIC_KEY: keys.KeyEvent(
        happened=keys.KeyHappening.EXPIRES_SOON,
        usage=keys.KeyUsage.READER_DATA,
        owner=_READER_ID,
        at_ms=AT_MS,
        text="the key of reader front expires in 30 days: `tpayd keys exchange --reader front`",
        device="front",
        key_id=_KEY.key_id,
        expires_at_ms=AT_MS + 2_592_000_000,
        days_left=30,
    ),
    pooling.TOPIC_POOL: POOL_EVENT,
    updates.TOPIC_UPDATE: UPDATE_EVENT,
    updates.TOPIC_NOTICE: NOTICE_EVENT,
}

EXAMPLES: dict[str, Example] = {
    **PAYMENTS,
    **RECORDS,
    **BUSINESS,
    **FIRMWARE,
    **FLEET,
    **TERMINALS,
    **INTEGRITY,
    **LOGS,
    **SETTINGS,
    **STEPS,
    **POOLING,
    **UPDATES,
    device.LEASE_ACQUIRE.name: Example(
        _WISH,
        _LEASE,
        device.LeaseProgress(position=2, expected_wait_ms=24_000),
    ),
    device.LEASE_RENEW.name: Example(device.RenewLeases(leases=(_LEASE_REF,)), device.RenewedLeases(lost=())),
    device.LEASE_RELEASE.name: Example(device.ReleaseLeases((_LEASE_REF,)), Empty()),
    device.LEASE_RESET.name: Example(Empty(), Empty()),
    device.CARD_READ.name: Example(
        device.ReadCard(
            lease=_LEASE_REF,
            type=device.TransactionType.CREDIT,
            amount_minor=11_000,
            at=_AT,
            card_wait_s=30.0,
        ),
        _CARD,
        _PRESENT_CARD,
    ),
    taking.CARD_TAKE.name: Example(
        taking.TakeCard(
            wish=_WISH,
            reader_wait_s=60.0,
            type=device.TransactionType.CREDIT,
            amount_minor=11_000,
            at=_AT,
            card_wait_s=30.0,
        ),
        taking.TakenCard(lease=_LEASE, card=_CARD),
        taking.TakeCardProgress(lease=_LEASE, prompt=_PRESENT_CARD),
    ),
    device.CARD_COMPLETE.name: Example(
        device.CompleteCard(
            lease=_LEASE_REF,
            approved=True,
            arc="00",
            issuer_data=bytes.fromhex("a1b2c3d4e5f60718") + b"00",
            at=_AT,
        ),
        device.CompletedCard(accepted=True, cryptogram="8877665544332211", reader_us=150_000),
        device.CardProgress(prompt=device.CardPrompt.REMOVE_CARD),
    ),
    device.CARD_STATE.name: Example(
        device.CardStateQuery(device="front"), device.CardState(device="front", inside=True)
    ),
    pad.SIGN.name: Example(
        pad.Sign(lease=_LEASE_REF, amount_minor=55_000, lines=("Please sign", "서명해 주세요")),
        pad.Signed(image=b"BM" + bytes(1084), points=42, reader_us=20_000, customer_us=3_500_000),
        device.CardProgress(prompt=device.CardPrompt.SIGN, remaining_ms=20_000),
    ),
    pad.CODE_READ.name: Example(
        pad.ReadCode(lease=_LEASE_REF),
        pad.ReadCodeResult(code="281006000000000000000000", reader_us=20_000, customer_us=2_000_000),
        device.CardProgress(prompt=device.CardPrompt.SHOW_CODE, remaining_ms=30_000),
    ),
    pad.NUMBER_ENTER.name: Example(
        pad.EnterNumber(lease=_LEASE_REF, prompt=("Phone number",), min_digits=10, max_digits=11),
        pad.EnteredNumber(number="01000001234", reader_us=20_000, customer_us=4_000_000),
        device.CardProgress(prompt=device.CardPrompt.ENTER_NUMBER, remaining_ms=30_000),
    ),
    pad.PIN_ENTER.name: Example(
        pad.EnterPin(lease=_LEASE_REF, prompt=("PIN",)),
        pad.EnteredPin(pin_ksn=_KSN, pin_block=bytes(range(16)), reader_us=20_000, customer_us=3_000_000),
        device.CardProgress(prompt=device.CardPrompt.ENTER_PIN, remaining_ms=30_000),
    ),
    pad.MESSAGE_SHOW.name: Example(pad.ShowMessage(lease=_LEASE_REF, lines=("Thank you", "감사합니다")), Empty()),
    device.DEVICE_LIST.name: Example(device.DevicesQuery(), device.DeviceList(devices=(_DEVICE,), queue_length=0)),
    device.READER_BAR.name: Example(
        device.BarReaders(
            device.BarCause.KEY,
            (device.Bar("front", device.BarCause.KEY, "its key expired: `tpayd keys exchange --reader front`"),),
        ),
        Empty(),
    ),
    device.KEY_RELEASE.name: Example(device.ReleaseKeys("front"), Empty()),
    device.KEY_PREPARE.name: Example(
        device.PrepareKey(device="front"),
        device.PreparedKey(reader_id=_READER_ID, serial_number="V000000001", blob=bytes(range(128))),
    ),
    device.KEY_INJECT.name: Example(
        device.InjectKey(device="front", at=_AT, blob=bytes(range(48))),
        device.InjectedKey(confirmed=True, check_value="8CA64DE9C1"),
    ),
    host.EXCHANGE.name: Example(
        host.Exchange(profile="test", message=b"0200" + bytes(8), answer_wait_s=10.0),
        host.Exchanged(message=b"0210" + bytes(8), host_us=48_000, line="test/1"),
    ),
    host.LINE_STATUS.name: Example(Empty(), host.LineStatus(profile="test", lines=(_LINE,))),
    keys.MAC_KEY.name: Example(
        keys.FindMacKey(profile="test", terminal_id="TPAY0001", reader_id=_READER_ID),
        keys.FoundMacKey(key_id="k-20260301-1"),
    ),
    keys.MAC_EXCHANGE.name: Example(
        keys.ExchangeMaced(
            profile="test",
            terminal_id="TPAY0001",
            purpose=keys.Purpose.NEW_PAYMENT,
            head=b"0200" + bytes(8),
            tail=b"410",
            answer_wait_s=10.0,
            key_id="k-20260301-1",
            reader_id=_READER_ID,
        ),
        keys.ExchangedMaced(message=b"0210" + bytes(8), ksn=_KSN, host_us=48_000),
    ),
    keys.DATA_ENCRYPT.name: Example(
        keys.EncryptData(profile="test", terminal_id="TPAY0001", purpose=keys.Purpose.NEW_PAYMENT, data=b"01012345678"),
        keys.EncryptedData(ksn=_KSN, cipher=bytes(range(64)), key_id="k-20260301-1"),
    ),
    keys.KEY_EXCHANGE_READER.name: Example(
        keys.ExchangeReader(device="front"),
        _KEY,
        keys.ExchangeProgress(step="inject", text="The reader is taking its key"),
    ),
    keys.KEY_EXCHANGE_TERMINAL.name: Example(
        keys.ExchangeTerminal(terminal_id="TPAY0001"),
        keys.KeyInfo(
            key_id="k-20260301-1",
            usage=keys.KeyUsage.TERMINAL_MAC,
            owner="TPAY0001",
            profile="test",
            state=keys.KeyState.STAGED,
            check_value="1F2E3D4C5B",
        ),
        keys.ExchangeProgress(step="request", text="Asking the host for the key"),
    ),
    keys.KEY_LIST.name: Example(keys.KeysQuery(), keys.KeyList(keys=(_KEY,))),
    keys.TIME_SIGNED.name: Example(keys.SignedTime(1_767_225_600_000), Empty()),
    gateway.EVENTS_SUBSCRIBE.name: Example(
        gateway.Subscribe(topics=(device.TOPIC_DEVICE,)),
        gateway.Subscribed(topics=(device.TOPIC_DEVICE,), sequence=0),
    ),
    gateway.STORE_STATUS.name: Example(
        Empty(), gateway.StoreStatus(services=(_HEALTH,), missing=("host_link",), options=OPTIONS)
    ),
    health.HEALTH.name: Example(Empty(), _HEALTH),
    sandbox.HOST_SET.name: Example(sandbox.SetHost(behaviour=_HOST_STATUS.behaviour), _HOST_STATUS),
    sandbox.HOST_STATUS.name: Example(Empty(), _HOST_STATUS),
    sandbox.HOST_LEDGER.name: Example(
        sandbox.LedgerQuery(after=0, limit=100),
        sandbox.Ledger(
            entries=(
                sandbox.LedgerEntry(
                    number=1,
                    terminal_id="TPAY0001",
                    stan="000042",
                    business_day="20260302",
                    amount_minor=11_000,
                    net_minor=11_000,
                    response_code="00",
                    masked_pan="476173******0119",
                    approval_code="30215512",
                ),
            )
        ),
    ),
    sandbox.READER_PRESENT.name: Example(sandbox.PresentCard(reader="front", card="visa-ic"), _READERS),
    sandbox.READER_SET.name: Example(
        sandbox.SetReader(reader="front", plug=sandbox.Plug.IN, auto_card="visa-ic", auto_delay_ms=500), _READERS
    ),
    sandbox.READER_STATUS.name: Example(Empty(), _READERS),
    sandbox_logs.LOGS_SERVER_SET.name: Example(
        sandbox_logs.SetLogsServer(behaviour=_LOGS_SERVER_STATUS.behaviour), _LOGS_SERVER_STATUS
    ),
    sandbox_logs.LOGS_SERVER_STATUS.name: Example(Empty(), _LOGS_SERVER_STATUS),
    sandbox_updates.UPDATES_SET.name: Example(
        sandbox_updates.SetUpdatesServer(behaviour=_UPDATES_STATUS.behaviour), _UPDATES_STATUS
    ),
    sandbox_updates.UPDATES_STATUS.name: Example(Empty(), _UPDATES_STATUS),
}
