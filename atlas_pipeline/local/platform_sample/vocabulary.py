"""The words of the platform sample: analysts, domains, tools, metrics, toolkits and playbooks of a fraud team.

What belongs here: lists of words. What does not: columns and rows.
"""

from __future__ import annotations

ANALYSTS = (
    "amara.abara", "bram.berg", "chidi.okafor", "dagny.eriksen", "elif.novak", "farid.haas", "greta.weber",
    "hiro.tanaka", "ines.garcia", "jonas.lindqvist", "katya.petrov", "lucas.moreau", "maeve.quist", "nadia.rossi",
)  # fmt: skip
TENANTS = ("default", "acme-payments", "globex-travel", "initech-retail")
ENTITY_TYPES = ("user_id", "email", "ip", "device_id", "session_id", "merchant", "payment_method_token")
DOMAINS = ("device", "location", "network", "logs", "authentication", "merchant")
TOOLS = (
    "splunk_query", "snowflake_query", "virustotal_ip_lookup", "abuseipdb_check", "device_fingerprint", "geo_velocity",
    "maxmind_minfraud", "shodan_host", "graph_features", "merchant_profile",
)  # fmt: skip
PHASES = ("initialization", "data_collection", "domain_analysis", "risk_assessment", "summary")
FINDINGS = (
    "Three devices share one payment token within an hour",
    "Sign-ins from two countries closer in time than a flight",
    "The address was listed by two threat feeds last week",
    "Amounts repeat just below the review threshold",
    "The merchant's refund rate is four times that of its peers",
    "A new device followed a password reset by minutes",
)
SEVERITIES = ("low", "medium", "high", "critical")
RECOMMENDATIONS = (
    "Hold payouts for 24 hours",
    "Ask for a second factor",
    "Close the case",
    "Review the merchant by hand",
)
ERRORS = (
    ("TimeoutError", "Snowflake query ran into its limit of 300 s"),
    ("ConnectionError", "The tool splunk_query did not answer: 502 Bad Gateway"),
    ("ValueError", "cohort has fewer points than min_support"),
    ("PermissionError", "The connection was revoked by its owner"),
)
DETECTOR_TYPES = ("stl_mad", "cusum", "isoforest", "rcf", "matrix_profile")
COHORT_DIMENSIONS = ("merchant_id", "channel", "geo", "bin", "device_type")
COHORT_VALUES = {
    "merchant_id": ("m-1017", "m-2044", "m-3900", "m-4417", "m-5120"),
    "channel": ("web", "app", "phone"),
    "geo": ("US-CA", "DE-BE", "NL-NH", "SG", "São Paulo"),
    "bin": ("411111", "545454", "378282"),
    "device_type": ("ios", "android", "desktop"),
}
METRICS = ("tx_count", "decline_rate", "chargeback_rate", "avg_amount", "refund_rate", "new_device_rate")
TOOLKITS = ("slack", "jira", "gmail", "github", "pagerduty", "servicenow")
TOOLKIT_ACTIONS = {
    "slack": ("SEND_MESSAGE", "CREATE_CHANNEL"),
    "jira": ("CREATE_ISSUE", "ADD_COMMENT"),
    "gmail": ("SEND_EMAIL",),
    "github": ("CREATE_ISSUE",),
    "pagerduty": ("CREATE_INCIDENT", "ACKNOWLEDGE_INCIDENT"),
    "servicenow": ("CREATE_TICKET",),
}
PLAYBOOKS = ("block-card", "freeze-payouts", "notify-merchant", "rotate-credentials", "open-case")
TAGS = ("fraud", "account takeover", "merchant", "card testing", "refunds", "weekly", "vip")
