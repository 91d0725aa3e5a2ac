"""How many rows the sample of the investigation platform gets.

What belongs here: the number of ordinary rows of each table, and how it grows. What does not: the hard and the bad
rows, which come on top.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from atlas_pipeline.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class PlatformSize:
    """Ordinary rows per table; without arguments those of a production that has run for two years.

    Attributes:
        scored_investigations: Investigations with transaction scores; not more than there are investigations.
        scores_per_investigation: Transaction scores of each of them.

    Raises:
        ConfigurationError: A number is below 1, or more investigations are scored than exist.
    """

    investigation_states: int = 5_163
    investigation_audit_log: int = 120_904
    detectors: int = 56
    detection_runs: int = 8_901
    anomaly_events: int = 12_456
    scored_investigations: int = 10
    scores_per_investigation: int = 2_000
    investigation_templates: int = 240
    composio_connections: int = 310
    composio_action_audit: int = 4_200
    soar_playbook_executions: int = 1_250

    def __post_init__(self) -> None:
        for field in fields(self):
            rows = getattr(self, field.name)
            if rows < 1:
                raise ConfigurationError(f"The platform sample cannot have {rows} {field.name}.", "Ask for at least 1.")
        if self.scored_investigations > self.investigation_states:
            raise ConfigurationError(
                f"{self.scored_investigations} scored investigations of {self.investigation_states}.",
                "Score fewer investigations, or ask for more of them.",
            )

    @staticmethod
    def small() -> PlatformSize:
        """About a fiftieth, for tests; every kind of ordinary row still occurs."""
        return PlatformSize(
            investigation_states=104,
            investigation_audit_log=2_418,
            detectors=7,
            detection_runs=178,
            anomaly_events=249,
            scored_investigations=2,
            scores_per_investigation=200,
            investigation_templates=9,
            composio_connections=12,
            composio_action_audit=84,
            soar_playbook_executions=25,
        )

    @property
    def transaction_scores(self) -> int:
        return self.scored_investigations * self.scores_per_investigation

    def rows(self, table: str) -> int:
        """Ordinary rows of a table of the source."""
        count = getattr(self, table)
        assert isinstance(count, int)  # every table has its number here
        return count

    def times(self, factor: int) -> PlatformSize:
        """`factor` times the rows of every table. Each scored investigation keeps its number of scores."""
        grown = {field.name: getattr(self, field.name) * factor for field in fields(self)}
        return PlatformSize(**{**grown, "scores_per_investigation": self.scores_per_investigation})
