"""The channels by which a message goes out: e-mail, and apps of ours on WeCom, DingTalk, Feishu.

Each message carries a key of its own. What a channel makes of it: WeCom drops the same text within
half an hour and Feishu the same key within an hour; DingTalk drops the same text to the same
person on one day; e-mail carries it as Message-ID, by which most mailboxes show it once, and none
has to.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.settings import Mail, Platform, Settings

SECONDS = 15  # to wait for an answer
_TOKEN_LEFT = 300  # seconds before its end in which a token is not used any more
_NOBODY = {60111, 81013, 40031, 33012, 230013, 99992351}  # errors: no such person there
_TOKEN_OVER = {40001, 40014, 42001, 88, 99991663}  # errors: the token has ended


@dataclass(frozen=True)
class Letter:
    """One message. `to`: the address by its channel; `link`: "" without an address of ours."""

    key: str
    to: str
    subject: str
    text: str
    link: str


class NotSentError(Exception):
    """It surely was not sent. `final`: trying again does not help."""

    def __init__(self, why: Message, *, final: bool = False) -> None:
        super().__init__(str(why))
        self.why, self.final = why, final


def send(settings: Settings, channel: str, letter: Letter) -> str:
    """Send a message; gives what the channel said of it. Raises NotSentError."""
    if channel == "email" and settings.mail:
        return _mail(settings.mail, letter)
    if channel in settings.platforms:
        return _SENDERS[channel](settings.platforms[channel], letter)
    raise NotSentError(_("这里没有设置这个通知渠道。"), final=True)


# --- e-mail --------------------------------------------------------------------------------------
def _mail(mail: Mail, letter: Letter) -> str:
    written = EmailMessage(policy=SMTP)
    domain = mail.sender.rpartition("@")[2]
    written["From"], written["To"], written["Subject"] = mail.sender, letter.to, letter.subject
    written["Message-ID"] = f"<{letter.key}@{domain}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(f"{letter.text}\n\n{letter.link}".strip() + "\n")
    try:
        with _connected(mail) as server:
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(written)
    except smtplib.SMTPRecipientsRefused as fault:
        codes = [code for code, _said in fault.recipients.values()]
        final = all(code >= 500 for code in codes)
        raise NotSentError(_("邮件服务器不接受这个收件地址。"), final=final) from None
    except (OSError, smtplib.SMTPException) as fault:
        kind = type(fault).__name__  # its words may hold the address or a password
        raise NotSentError(_("邮件服务器没有收下（{kind}）。", kind=kind)) from None
    return f"accepted by {mail.host}"


def _connected(mail: Mail) -> smtplib.SMTP:
    secure = ssl.create_default_context()
    if mail.tls:
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=secure)
    server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=secure)
    return server


# --- the platforms -------------------------------------------------------------------------------
_tokens: dict[tuple[str, str], tuple[str, float]] = {}  # of (address, app): token, its end


def _wecom(app: Platform, letter: Letter) -> str:
    corp, agent, secret = app.parts
    asked = urlencode({"corpid": corp, "corpsecret": secret})
    token = _token(app, lambda: _ask(f"{app.url}/cgi-bin/gettoken?{asked}"), "access_token")
    body: dict[str, Any] = {
        "touser": letter.to,
        "agentid": int(agent) if agent.isdigit() else agent,
        "msgtype": "text",
        "text": {"content": in_full(letter)},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 1800,
    }
    said = _ask(f"{app.url}/cgi-bin/message/send?access_token={token}", body)
    _accepted(app, said)
    if letter.to in str(said.get("invaliduser", "")).split("|"):
        raise NotSentError(_("那边没有这个账号。"), final=True)
    return str(said.get("msgid", ""))


def _dingtalk(app: Platform, letter: Letter) -> str:
    key, agent, secret = app.parts
    asked = urlencode({"appkey": key, "appsecret": secret})
    token = _token(app, lambda: _ask(f"{app.url}/gettoken?{asked}"), "access_token")
    body = {
        "agent_id": agent,
        "userid_list": letter.to,
        "msg": {"msgtype": "text", "text": {"content": in_full(letter)}},
    }
    way = "/topapi/message/corpconversation/asyncsend_v2"
    said = _ask(f"{app.url}{way}?access_token={token}", body)
    _accepted(app, said)
    return str(said.get("task_id", ""))


def _feishu(app: Platform, letter: Letter) -> str:
    key, secret = app.parts
    way = "/open-apis/auth/v3/tenant_access_token/internal"
    asked = {"app_id": key, "app_secret": secret}
    token = _token(app, lambda: _ask(f"{app.url}{way}", asked), "tenant_access_token")
    body = {
        "receive_id": letter.to,
        "msg_type": "text",
        "content": json.dumps({"text": in_full(letter)}, ensure_ascii=False),
        "uuid": letter.key,
    }
    to = f"{app.url}/open-apis/im/v1/messages?receive_id_type=user_id"
    said = _ask(to, body, token)
    _accepted(app, said)
    return str(said.get("data", {}).get("message_id", ""))


_SENDERS: dict[str, Callable[[Platform, Letter], str]] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
}


def in_full(letter: Letter) -> str:
    """Everything that it tells, as one text."""
    return "\n".join(filter(None, (letter.subject, letter.text, letter.link)))


def _token(app: Platform, ask: Callable[[], dict[str, Any]], name: str) -> str:
    """The token of an app, asked for when there is none that still holds."""
    known, until = _tokens.get((app.url, app.parts[0]), ("", 0.0))
    if known and time.monotonic() < until:
        return known
    said = ask()
    _accepted(app, said)
    seconds = int(said.get("expires_in") or said.get("expire") or 7200) - _TOKEN_LEFT
    _tokens[app.url, app.parts[0]] = (str(said[name]), time.monotonic() + seconds)
    return str(said[name])


def _accepted(app: Platform, said: dict[str, Any]) -> None:
    """Raises NotSentError for an answer that tells an error."""
    code = said.get("errcode", said.get("code", 0))
    if code == 0:
        return
    if code in _TOKEN_OVER:
        _tokens.pop((app.url, app.parts[0]), None)
    if code in _NOBODY:
        raise NotSentError(_("那边没有这个账号。"), final=True)
    raise NotSentError(_("平台没有收下（错误码 {code}）。", code=code))


def _ask(url: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
    """A request in JSON. Raises NotSentError; what went wrong is told without the address, which
    holds secrets.
    """
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as fault:
        raise NotSentError(_("平台没有收下（错误码 {code}）。", code=fault.code)) from None
    except (OSError, ValueError) as fault:
        kind = type(fault).__name__
        raise NotSentError(_("平台没有答复（{kind}）。", kind=kind)) from None
    if not isinstance(said, dict):
        raise NotSentError(_("平台没有答复（{kind}）。", kind="JSON"))
    return said
