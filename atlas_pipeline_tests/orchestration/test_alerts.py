"""An alert reaches people by each way that is configured; what does not arrive is told, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tenacity import wait_none

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.orchestration import alerts
from atlas_pipeline.orchestration.alerts import ATTEMPTS, Alert, Fault, deliver, make_alerters
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.orchestration.receivers import MailServer, Webhook, mail_server, webhook

LOG = logging.getLogger("atlas_pipeline_tests.alerts")
OWN = "atlas_pipeline_tests.orchestration.receivers"
ALERT = Alert(
    event="failed",
    catalog="infrastructure_atlas",
    run_id="4f0c",
    faults=(Fault(what="users", message="users lacks column email.", cure="bring it back"),),
    report="http://127.0.0.1:3001/reports/4f0c/index.html",
    ui="http://127.0.0.1:3000/runs/4f0c",
    at=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "_BETWEEN_ATTEMPTS", wait_none())


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as taken:
        yield taken


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as taken:
        yield taken


def sent(caplog: pytest.LogCaptureFixture, *own: str, **variables: str) -> list[str]:
    """Deliver the alert as these variables say; gives what was logged."""
    settings = Settings.model_validate(variables)
    with caplog.at_level(logging.INFO, logger=LOG.name):
        deliver(ALERT, make_alerters(settings, own, LOG), LOG)
    return [record.getMessage() for record in caplog.records]


def test_a_webhook_gets_what_failed_the_cure_and_the_links_as_json(
    hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    logged = sent(caplog, ATLAS_ALERT_WEBHOOK_URL=hook.url)
    ((path, alert),) = hook.posts
    assert path == "/hooks/the-token"
    assert alert == {
        "text": "infrastructure_atlas failed: users: users lacks column email.",
        "event": "failed",
        "catalog": "infrastructure_atlas",
        "run_id": "4f0c",
        "faults": [{"what": "users", "message": "users lacks column email.", "cure": "bring it back"}],
        "report": ALERT.report,
        "ui": ALERT.ui,
        "at": "2026-05-04T03:02:01+00:00",
    }
    assert logged == [ALERT.text]


def test_a_webhook_that_fails_is_tried_three_times(hook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    hook.statuses += [500, 503]
    assert sent(caplog, ATLAS_ALERT_WEBHOOK_URL=hook.url) == [ALERT.text]
    assert len(hook.posts) == ATTEMPTS


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_alert_that_nobody_took_is_an_error_in_the_log_without_the_token(
    status: int, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.statuses += [status] * ATTEMPTS
    *_, error = sent(caplog, ATLAS_ALERT_WEBHOOK_URL=hook.url)
    assert (len(hook.posts), caplog.records[-1].levelno) == (ATTEMPTS, logging.ERROR)
    assert "not delivered by the webhook at 127.0.0.1: it answered" in error
    assert str(status) in error
    assert "the-token" not in caplog.text


def test_a_webhook_that_is_gone_does_not_stop_the_others(
    hook: Webhook, mails: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    *_, error = sent(
        caplog,
        ATLAS_ALERT_WEBHOOK_URL="http://127.0.0.1:1/the-token",
        ATLAS_ALERT_EMAIL_TO="one@example.org",
        ATLAS_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
    )
    assert "cannot be reached (ConnectionRefusedError)" in error
    assert "the-token" not in caplog.text
    assert len(mails.mails) == 1


@pytest.mark.parametrize("url", ["hooks.example.org/the-token", "file:///the-token", "http:///the-token"])
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ATLAS_ALERT_WEBHOOK_URL") as caught:
        make_alerters(Settings(ATLAS_ALERT_WEBHOOK_URL=url), (), LOG)
    assert "the-token" not in str(caught.value)


def test_an_e_mail_goes_to_everybody_with_cure_and_links(mails: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    sent(
        caplog,
        ATLAS_ALERT_EMAIL_TO="one@example.org, two@example.org",
        ATLAS_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
    )
    ((recipients, mail),) = mails.mails
    assert recipients == ["one@example.org", "two@example.org"]
    assert (mail["From"], mail["Subject"]) == ("one@example.org", "Atlas Pipeline: infrastructure_atlas failed")
    text = mail.get_content()
    assert all(part in text for part in ("users lacks column email.", "Cure: bring it back", ALERT.report, ALERT.ui))


def test_a_recipient_that_the_mail_server_refuses_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with mail_server(refuses="two@example.org") as mails:
        *_, error = sent(
            caplog,
            ATLAS_ALERT_EMAIL_TO="one@example.org, two@example.org",
            ATLAS_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
        )
    assert "1 recipients were refused" in error


def test_no_password_is_sent_to_a_mail_server_without_tls(mails: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    *_, error = sent(
        caplog,
        ATLAS_ALERT_EMAIL_TO="one@example.org",
        ATLAS_SMTP_URL=f"smtp://me:the-password@127.0.0.1:{mails.port}",
    )
    assert "offers no TLS" in error
    assert (mails.mails, [one for one in mails.commands if "AUTH" in one]) == ([], [])
    assert "the-password" not in caplog.text


def test_an_alerter_of_one_s_own_is_found_by_its_name(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path_factory.mktemp("state")
    sent(caplog, f"{OWN}:make_file_alerter", ATLAS_STATE_DIR=str(state))
    assert (state / "alerts.txt").read_text(encoding="utf-8") == f"{ALERT.text}\n"


def test_the_line_of_an_alert_says_once_what_happened_to_several() -> None:
    told = (("users", "too old"), ("roles", "too old"), ("secrets", "gone"))
    faults = tuple(Fault(what=what, message=message) for what, message in told)
    assert replace(ALERT, faults=faults).text == "infrastructure_atlas failed: users, roles: too old; secrets: gone"


def test_the_text_of_a_foreign_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    *_, error = sent(caplog, f"{OWN}:make_broken_alerter")
    assert "not delivered by a file: FileNotFoundError" in error
    assert "the-token" not in caplog.text


@pytest.mark.parametrize("name", ["nowhere.at_all:make", f"{OWN}:nothing", OWN, "", f"{OWN}:http"])
def test_a_name_that_leads_nowhere_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="alerter"):
        make_alerters(Settings(), [name], LOG)
