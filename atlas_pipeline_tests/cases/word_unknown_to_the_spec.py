"""A word that the spec does not know is loaded, and a check warns of it: the source is right."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "A word that the spec does not know",
    column(ValueType.TEXT, sqlite="TEXT", postgresql="WORD_OF_A_CASE", allowed=("calm", "tense")),
    ("calm", Lands("string", "calm")),
    ("furious", Lands("string", "furious")),
    before=Per(
        (),
        (
            "DO $$ BEGIN CREATE TYPE word_of_a_case AS ENUM ('calm', 'furious'); "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        ),
    ),
)
