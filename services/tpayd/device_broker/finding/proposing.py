"""What to configure, from what a search has found. Pure.

A device that is configured and was found elsewhere, or at another speed, is proposed as a change; one that nobody
knows as a new one, pinned by its serial number. What cannot be told is left to the person who confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tpayd.device_broker.finding.scan import Finding, Heard
from tpayd.device_broker.settings import DeviceSettings
from tpayd_contracts.device import Ability
from tpayd_contracts.fleet import AssignDevice, PortState, ScannedPort

__all__ = ["propose", "scanned"]

_CARDS = frozenset({Ability.IC, Ability.STRIPE, Ability.CONTACTLESS})


def propose(
    findings: Iterable[Finding], devices: Sequence[DeviceSettings], usual_bauds: dict[str, int]
) -> tuple[AssignDevice, ...]:
    """In the order of the ports. `usual_bauds` is what each driver expects."""
    taken = {device.name for device in devices}
    proposal = []
    for finding in findings:
        reply, question = finding.reply, finding.question
        if reply is None or question is None or reply.heard is not Heard.IDENTITY or reply.identity is None:
            continue
        identity = reply.identity
        configured = device_at(finding, devices)
        baud = 0 if question.baud == usual_bauds.get(question.driver) else question.baud
        if configured is None:
            name = next(_free_names("reader" if _reads_cards(identity.abilities) else "pad", taken))
            taken.add(name)
            proposal.append(
                AssignDevice(
                    name=name,
                    port=finding.candidate.name,
                    driver=question.driver,
                    baud=baud or None,
                    abilities=identity.abilities,
                    serial_number=identity.serial_number or None,
                )
            )
        else:
            change = AssignDevice(
                name=configured.name,
                port=None if finding.candidate.device == configured.name else finding.candidate.name,
                driver=None if configured.driver == question.driver else question.driver,
                baud=None if (configured.baud or 0) == baud else baud,
            )
            if change != AssignDevice(name=configured.name):
                proposal.append(change)
    return tuple(proposal)


_STATES = {
    Heard.IDENTITY: PortState.FOUND,
    Heard.NOISE: PortState.SILENT,
    Heard.SILENCE: PortState.SILENT,
    Heard.IN_USE: PortState.IN_USE,
    Heard.FAILED: PortState.FAILED,
}


def scanned(finding: Finding, devices: Sequence[DeviceSettings], *, complete: bool = True) -> ScannedPort:
    """One port of a search, as it is told."""
    candidate, reply = finding.candidate, finding.reply
    if candidate.in_use:
        return ScannedPort(candidate.name, candidate.path, PortState.KNOWN, device=candidate.device)
    if reply is None or (not complete and reply.heard in (Heard.SILENCE, Heard.NOISE)):
        return ScannedPort(candidate.name, candidate.path, PortState.NOT_REACHED, device=candidate.device)
    if reply.identity is None or finding.question is None:
        text = reply.text or (_NOISE if finding.noisy else None)
        return ScannedPort(candidate.name, candidate.path, _STATES[reply.heard], device=candidate.device, text=text)
    configured, identity = device_at(finding, devices), reply.identity
    return ScannedPort(
        candidate.name, candidate.path, PortState.FOUND,
        device=None if configured is None else configured.name,
        driver=finding.question.driver, baud=finding.question.baud,
        model=identity.model, serial_number=identity.serial_number, firmware=identity.firmware,
        abilities=identity.abilities,
        text=_difference(finding, devices, configured),
    )  # fmt: skip


_NOISE = "something answers that no driver understands: another kind of device, or a speed that was not tried"


def _difference(finding: Finding, devices: Sequence[DeviceSettings], configured: DeviceSettings | None) -> str | None:
    """What the settings say of this port that is not so."""
    question, identity = finding.question, finding.reply and finding.reply.identity
    if question is None or not identity:
        return None
    expected = next((device for device in devices if device.name == finding.candidate.device), None)
    if expected is not None and configured is not expected:
        return f"{expected.name} is configured here with serial number {expected.serial_number}: another reader answers"
    if configured is None:
        return None
    if configured.driver != question.driver:
        return f"{configured.name} is configured with driver {configured.driver}: it speaks {question.driver}"
    if configured.baud not in (None, question.baud):
        return f"{configured.name} is configured for {configured.baud} bits per second: it speaks {question.baud}"
    if expected is None:
        return f"{configured.name} is configured at {configured.port}: it is here now"
    return None


def device_at(finding: Finding, devices: Sequence[DeviceSettings]) -> DeviceSettings | None:
    """The configured device that was found there: by its serial number, else by its port."""
    identity = None if finding.reply is None else finding.reply.identity
    if identity is not None and identity.serial_number:
        for device in devices:
            if identity.serial_number in (device.serial_number, device.port.removeprefix("serial:")):
                return device
    for device in devices:
        if device.name == finding.candidate.device:
            pinned = device.serial_number
            return device if not pinned or identity is None or pinned == identity.serial_number else None
    return None


def _reads_cards(abilities: tuple[Ability, ...] | None) -> bool:
    return abilities is None or not _CARDS.isdisjoint(abilities)


def _free_names(kind: str, taken: set[str]) -> Iterator[str]:
    for number in range(1, len(taken) + 2):
        name = f"{kind}-{number}"
        if name not in taken:
            yield name
