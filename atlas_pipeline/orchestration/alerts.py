"""Alerts: what they say, and how they reach people: the log, a webhook, e-mail, or an alerter of the operator's own.

An alerter of one's own is a function `make(settings) -> Alerter`, named in `defs/operations/defs.yaml` as
`package.module:make`. An alert never holds a value of a row, and no message here holds an address with its secrets.
What does not belong here: when to raise one (`alert_sensor`).
"""

from __future__ import annotations

import importlib
import json
import logging
import smtplib
import ssl
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Literal, Protocol, cast
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, stop_after_attempt, wait_random_exponential

from atlas_pipeline.errors import AtlasError, ConfigurationError
from atlas_pipeline.settings import Settings

Event = Literal["failed", "stale", "recovered"]

ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
_BETWEEN_ATTEMPTS = wait_random_exponential(multiplier=0.5, max=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is not as it should be.

    Attributes:
        what: The step, the check or the collection.
        message: What happened.
        cure: What to do, or an empty string.
    """

    what: str
    message: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What people are told.

    Attributes:
        event: `failed`: a run or a check of severity ERROR failed. `stale`: collections are older than they may be.
            `recovered`: what an earlier alert named is well again.
        catalog: Name of the catalog.
        run_id: The Dagster run; empty for collections that no run made older.
        faults: What failed, or what recovered.
        report: Address of the run's report, or an empty string.
        ui: Address of the run or the assets in the Dagster UI.
        at: When it was found.
    """

    event: Event
    catalog: str
    run_id: str
    faults: tuple[Fault, ...]
    report: str
    ui: str
    at: datetime

    @property
    def text(self) -> str:
        """One line, which says once what happened to several."""
        told: dict[str, list[str]] = {}
        for one in self.faults:
            told.setdefault(one.message, []).append(one.what)
        return f"{self.catalog} {self.event}: " + "; ".join(f"{', '.join(what)}: {said}" for said, what in told.items())

    def as_json(self) -> dict[str, Any]:
        """What a webhook gets. Chat programs show its `text`."""
        return {"text": self.text, **asdict(self), "at": self.at.isoformat(timespec="seconds")}


class Alerter(Protocol):
    """A way by which alerts reach people."""

    name: str
    """For the log; without secrets."""

    def send(self, alert: Alert) -> None:
        """Deliver an alert once. Raises anything when that is not certain."""


class UndeliveredError(AtlasError):
    """Nobody confirmed to have taken an alert."""


def deliver(alert: Alert, alerters: Sequence[Alerter], log: logging.Logger) -> None:
    """Hand an alert to each alerter, three times where need be. What cannot be delivered is logged as an error."""
    for alerter in alerters:
        try:
            for attempt in Retrying(stop=stop_after_attempt(ATTEMPTS), wait=_BETWEEN_ATTEMPTS, reraise=True):
                with attempt:
                    alerter.send(alert)
        except (
            Exception
        ) as error:  # an alert must not stop what raised it; the text of a foreign error can hold secrets
            why = str(error) if isinstance(error, AtlasError) else type(error).__name__
            log.error(f"The alert of {alert.catalog} was not delivered by {alerter.name}: {why}")


def make_alerters(settings: Settings, own: Sequence[str], log: logging.Logger) -> list[Alerter]:
    """The log, what the settings name, and the operator's own.

    Raises:
        ConfigurationError: An address or a name is wrong.
    """
    alerters: list[Alerter] = [LogAlerter(log)]
    if settings.alert_webhook_url is not None:
        alerters.append(WebhookAlerter(settings.alert_webhook_url.get_secret_value()))
    if recipients := [one.strip() for one in settings.alert_email_to.split(",") if one.strip()]:
        sender = settings.alert_email_from or recipients[0]
        alerters.append(EmailAlerter(settings.smtp_url.get_secret_value(), sender=sender, recipients=recipients))
    return alerters + [find_alerter(name)(settings) for name in own]


def find_alerter(name: str) -> Callable[[Settings], Alerter]:
    """The function of that name, `package.module:function`. Raises ConfigurationError when there is none."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"There is no alerter {name!r}: {error}.", "name a function as `package.module:function`"
        ) from None
    if not callable(found):
        raise ConfigurationError(f"The alerter {name!r} is no function.", "name one that takes the settings")
    return cast("Callable[[Settings], Alerter]", found)


class LogAlerter:
    """Writes alerts to the log of the sensor that raises them."""

    name = "the log"

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def send(self, alert: Alert) -> None:
        self._log.log(logging.INFO if alert.event == "recovered" else logging.ERROR, alert.text)


class WebhookAlerter:
    """Posts alerts as JSON.

    Args:
        url: The address, which may hold a token.

    Raises:
        ConfigurationError: It is none.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigurationError("ATLAS_ALERT_WEBHOOK_URL is no address.", "begin it with http:// or https://")
        self._url = url
        self.name = f"the webhook at {address.hostname}"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def send(self, alert: Alert) -> None:
        """Post it. Raises UndeliveredError unless the answer is of the kind 2xx."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            self._url,
            data=json.dumps(alert.as_json()).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "atlas-pipeline"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS):
                return
        except HTTPError as error:
            raise UndeliveredError(f"it answered {error.code}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise UndeliveredError(f"it cannot be reached ({type(reason).__name__})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the post into a question without the alert, and its answer into a success."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class EmailAlerter:
    """Sends alerts as e-mail.

    Args:
        url: `smtp://user:password@host:port`, which changes to TLS where the server can, or `smtps://`.
        sender: Whose address the mails have.
        recipients: Who gets them.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(self, url: str, *, sender: str, recipients: Sequence[str]) -> None:
        self._address = urlsplit(url)
        if self._address.scheme not in ("smtp", "smtps") or not self._address.hostname:
            raise ConfigurationError("ATLAS_SMTP_URL is no address.", "use smtp://host:port or smtps://host:port")
        self._host = self._address.hostname
        self._sender, self._recipients = sender, tuple(recipients)
        self.name = f"e-mail by {self._host}"

    def send(self, alert: Alert) -> None:
        """Send it. Raises UndeliveredError when the server does not take it for every recipient."""
        mail = EmailMessage()
        mail["Subject"] = f"Atlas Pipeline: {alert.catalog} {alert.event}"
        mail["From"], mail["To"] = self._sender, ", ".join(self._recipients)
        lines = [f"{one.what}: {one.message}" + (f"\n  Cure: {one.cure}" if one.cure else "") for one in alert.faults]
        links = [f"{name}: {link}" for name, link in (("Report", alert.report), ("Dagster", alert.ui)) if link]
        mail.set_content("\n".join([*lines, "", *links, ""]))
        try:
            with self._connected() as server:
                refused = server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
            raise UndeliveredError(f"{type(error).__name__}{code}") from None
        if refused:
            raise UndeliveredError(f"{len(refused)} recipients were refused")

    def _connected(self) -> AbstractContextManager[smtplib.SMTP]:
        """A server that is ready to take mails. A password is sent only through TLS."""
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._address.scheme == "smtps":
            server = smtplib.SMTP_SSL(self._host, self._address.port or 465, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self._host, self._address.port or 25, timeout=TIMEOUT_SECONDS)
        try:
            server.ehlo()
            encrypted = self._address.scheme == "smtps"
            if not encrypted and server.has_extn("starttls"):
                server.starttls(context=context)
                encrypted = True
            if self._address.username:
                if not encrypted:
                    raise UndeliveredError("it offers no TLS, and a password would be sent in clear")
                server.login(unquote(self._address.username), unquote(self._address.password or ""))
        except BaseException:
            server.close()
            raise
        return server
