"""What cashier and customer read, in English and Korean."""

from __future__ import annotations

from tpayd_contracts.payment import PaymentState, Reason, Step, Verdict
from tpayd_contracts.screen import ScreenAsk

__all__ = ["REASON_TEXTS", "SCREEN_TEXTS", "STATE_TEXTS", "STEP_TEXTS", "VERDICT_TEXTS"]

VERDICT_TEXTS: dict[Verdict, tuple[str, str]] = {
    Verdict.PAID: ("Approved", "승인되었습니다"),
    Verdict.NOT_PAID: ("Not paid", "결제되지 않았습니다"),
    Verdict.WAIT: ("Payment under way: wait, do not start it again", "결제 진행 중입니다. 다시 시도하지 마십시오"),
}

STATE_TEXTS: dict[PaymentState, tuple[str, str]] = {
    PaymentState.SENDING: ("Waiting for the host's answer", "승인 응답을 기다리는 중입니다"),
    PaymentState.INQUIRING: ("The host is asked what became of the payment", "거래 결과를 조회하는 중입니다"),
    PaymentState.AUTHORIZED: ("The card is being finished", "카드 처리를 마치는 중입니다"),
}

REASON_TEXTS: dict[Reason, tuple[str, str]] = {
    Reason.DECLINED_BY_HOST: ("Declined by the card issuer", "승인이 거절되었습니다"),
    Reason.DECLINED_BY_CARD: ("The card declined; the approval is being reversed", "카드가 거절하여 승인을 취소합니다"),
    Reason.ABORTED_BY_POS: ("Cancelled at the POS", "POS에서 취소하였습니다"),
    Reason.POS_GONE: ("The POS went away; nothing was sent", "POS 연결이 끊겨 결제를 중단하였습니다"),
    Reason.CARD_TIMEOUT: ("No card was presented in time", "카드 삽입 대기시간이 지났습니다"),
    Reason.CARD_FAILED: ("The card could not be read", "카드를 읽지 못했습니다"),
    Reason.READER_UNAVAILABLE: ("No card reader is available", "사용할 수 있는 리더기가 없습니다"),
    Reason.HOST_UNAVAILABLE: ("The card host is not connected; nothing was sent", "승인 서버에 연결되지 않았습니다"),
    Reason.HOST_SILENT: (
        "The card host did not answer; the payment is being reversed",
        "승인 응답이 없어 망취소를 진행합니다",
    ),
    Reason.HOST_ANSWER_REFUSED: (
        "The card host's answer cannot be trusted; the payment is being reversed",
        "승인 응답을 신뢰할 수 없어 망취소를 진행합니다",
    ),
    Reason.KEY_UNAVAILABLE: (
        "A key is missing or expired: exchange keys first",
        "암호화 키가 없거나 만료되었습니다. 키교환을 하십시오",
    ),
    Reason.INTEGRITY_FAILED: (
        "The installed program files are not those that were signed: no payment until that is put right",
        "설치된 프로그램 파일의 무결성 검사에 실패하여 거래할 수 없습니다",
    ),
    Reason.STORAGE_FAILED: ("The daemon could not record the payment", "거래를 기록하지 못하여 중단하였습니다"),
    Reason.RESTARTED: ("The daemon restarted during the payment", "결제 중 데몬이 재시작되었습니다"),
    Reason.NEVER_SEEN: ("No such payment; nothing was charged", "해당 거래가 없습니다. 결제되지 않았습니다"),
    Reason.RESTORED: (
        "The store was restored from a backup: whether this was paid is not known here",
        "백업에서 복원되어 이 거래의 결제 여부를 알 수 없습니다",
    ),
    Reason.DUPLICATE: (
        "Looks like a payment that was just made, and was not confirmed",
        "동일 카드, 동일 금액 거래가 확인되지 않아 중단하였습니다",
    ),
    Reason.SIGNATURE_FAILED: ("The customer did not sign", "서명이 완료되지 않았습니다"),
    Reason.NUMBER_FAILED: ("The customer keyed no number", "번호가 입력되지 않았습니다"),
    Reason.CODE_UNKNOWN: ("No wallet has codes like this one", "알 수 없는 결제 코드입니다"),
    Reason.NEVER_ACKNOWLEDGED: (
        "The POS never acknowledged the approval; the payment is being reversed",
        "POS가 승인을 확인하지 않아 망취소를 진행합니다",
    ),
    Reason.IN_PROGRESS: VERDICT_TEXTS[Verdict.WAIT],
}

STEP_TEXTS: dict[Step, tuple[str, str]] = {
    Step.WAITING_FOR_READER: ("Waiting for a card reader", "리더기를 기다리는 중입니다"),
    Step.PRESENT_CARD: ("Insert, tap or swipe the card", "카드를 삽입하거나 대 주십시오"),
    Step.CARD_READ: ("Card read", "카드를 읽었습니다"),
    Step.ASKING_HOST: ("Asking the card host for approval", "승인 요청 중입니다"),
    Step.SHOW_CODE: ("Show the payment code to the reader", "결제 코드를 리더기에 보여 주십시오"),
    Step.ENTER_PIN: ("Enter the PIN on the reader", "비밀번호를 입력해 주십시오"),
    Step.CHOOSE: ("Choose the application on the reader", "카드 종류를 선택해 주십시오"),
    Step.REMOVE_CARD: ("Take the card out", "카드를 빼 주십시오"),
    Step.WAITING_FOR_PAD: ("Waiting for the signature pad", "서명패드를 기다리는 중입니다"),
    Step.SIGN: ("Sign", "서명해 주십시오"),
    Step.ENTER_NUMBER: ("Enter the number", "번호를 입력해 주십시오"),
    Step.CONFIRM_DUPLICATE: (
        "The same card paid the same amount here within five minutes: is this another payment?",
        "5분 이내 동일 카드, 동일 금액 거래가 있습니다. 계속하시겠습니까?",
    ),
    Step.INQUIRING: ("The host is asked what became of the payment", "거래 결과를 조회하는 중입니다"),
    Step.FINISHING_CARD: ("Approved by the host; do not remove the card yet", "카드를 빼지 마십시오"),
}

SCREEN_TEXTS: dict[ScreenAsk, tuple[str, str]] = {
    ScreenAsk.SIGN: ("Please sign here", "여기에 서명해 주십시오"),
    ScreenAsk.NUMBER: ("Enter the number and press OK", "번호를 입력하고 확인을 누르십시오"),
}
"""What a customer reads on the lane's screen."""
