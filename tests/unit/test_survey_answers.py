# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a survey of AWX sends is understood: text for everything, and empty text for nothing."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from ansible_collections.progressive.aws.plugins.plugin_utils.survey_answers import STRUCTURES, understood

MODULES = Path(__file__).resolve().parents[2] / "plugins" / "modules"
# What the role and the steps hand to one another, which no survey asks for.
INTERNAL = {"failure", "progress", "role", "run", "runs", "variables"}


def test_every_option_with_structure_may_come_as_text() -> None:
    found = set()
    for file in MODULES.glob("*.py"):
        module = importlib.import_module(f"ansible_collections.progressive.aws.plugins.modules.{file.stem}")
        found |= {name for name, one in module.ARGUMENT_SPEC.items() if one["type"] in ("list", "dict")}
    assert found - INTERNAL == STRUCTURES


@pytest.mark.parametrize("nothing", ["", " ", None])
def test_an_empty_answer_is_none(nothing: str | None) -> None:
    assert understood({"key_name": nothing, "min_size": nothing, "phases": nothing, "image_id": "ami-1"}) == {
        "image_id": "ami-1"
    }


def test_an_empty_name_stays_to_be_refused_by_its_name() -> None:
    assert understood({"application": ""}) == {"application": ""}


PHASES = [{"name": "Half", "percent": 50, "verify": {"alarms": ["a"]}}, {"name": "All", "percent": 100}]


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "Half", "percent": 50, "verify": {"alarms": ["a"]}}, {"name": "All", "percent": 100}]',
        "- {name: Half, percent: 50, verify: {alarms: [a]}}\n- {name: All, percent: 100}\n",
        "- name: Half\n  percent: 50\n  count: ''\n  verify: '{\"alarms\": [\"a\"]}'\n- {name: All, percent: 100}",
    ],
)
def test_phases_may_come_as_text(text: str) -> None:
    assert understood({"phases": text})["phases"] == PHASES


@pytest.mark.parametrize("text", ["sg-1,sg-2", "[unclosed", "{{ x }}"])
def test_a_text_that_is_no_structure_is_left_to_the_module(text: str) -> None:
    assert understood({"security_group_ids": text}) == {"security_group_ids": text}


def test_text_that_looks_like_a_structure_stays_text_where_text_is_meant() -> None:
    ignition = '{"ignition": {"version": "3.0.0"}}'
    assert understood({"user_data": ignition}) == {"user_data": ignition}


def test_what_ansible_has_no_words_for_is_text() -> None:
    """Its validation of a list of dictionaries fails on a number, and on nothing."""
    assert understood({"metadata_options": "-", "phases": [25, None], "tags": 3}) == {
        "metadata_options": ["None"],
        "phases": ["25", "None"],
        "tags": "3",
    }
