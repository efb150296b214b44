# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of series, revisions and launch templates."""

from __future__ import annotations

import re
import string

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import naming
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

# CreateLaunchTemplate: 3 to 128 characters of this pattern.
LAUNCH_TEMPLATE_NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")
# What a tag's value may have, and a group's name in any case.
TAG_VALUE = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,256}")

REPLACED = "-|+*/\\ &$\"'."
parts = st.text(string.ascii_letters + string.digits, min_size=1, max_size=60)
series = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=247).filter(
    lambda name: name.strip("_")
)


class TestSeries:
    def test_it_joins_application_service_and_environment(self) -> None:
        assert naming.series_name("shop", "checkout", "prod") == "shop__checkout__prod"

    @pytest.mark.parametrize("character", REPLACED)
    def test_each_character_of_the_guide_becomes_two_underscores(self, character: str) -> None:
        assert naming.series_name("my" + character + "shop", "web", "prod") == "my__shop__web__prod"

    def test_two_of_them_become_four(self) -> None:
        assert naming.sanitise("a - b") == "a______b"

    def test_spaces_around_a_part_do_not_count(self) -> None:
        assert naming.series_name(" shop ", "web", "prod") == "shop__web__prod"

    def test_what_is_allowed_stays(self) -> None:
        assert naming.sanitise("Shop_2") == "Shop_2"

    @given(st.text())
    def test_sanitising_leaves_none_of_them_and_is_done_once(self, part: str) -> None:
        once = naming.sanitise(part)
        assert not set(once) & set(REPLACED)
        assert naming.sanitise(once) == once.strip()

    @given(parts, parts, parts)
    def test_a_legal_name_is_a_legal_tag_value(
        self, application: str, service: str, environment: str
    ) -> None:
        assert TAG_VALUE.fullmatch(naming.series_name(application, service, environment))

    @given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
    def test_any_input_gives_a_name_that_aws_takes_or_is_refused(
        self, application: str, service: str, environment: str
    ) -> None:
        try:
            name = naming.series_name(application, service, environment)
        except InvalidInput as error:
            assert error.problems
        else:
            assert TAG_VALUE.fullmatch(name)
            assert len(naming.group_name(name, 999_999)) <= 255
            assert naming.series_problems(name) == []


class TestWhatIsRefused:
    def test_every_empty_part_is_named(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            naming.series_name("", "  ", "prod")
        assert caught.value.problems == ("application is empty", "service is empty")
        assert "nothing was touched" in str(caught.value)

    def test_a_part_of_which_nothing_is_left(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            naming.series_name("shop", "-", "prod")
        assert "service is '-'" in str(caught.value)

    @pytest.mark.parametrize("character", ["ü", ":", "(", "@", ",", "\n", "\u2028", "日"])
    def test_characters_that_no_name_may_have_are_shown(self, character: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            naming.series_name("shop" + character + "1", "web", "prod")
        assert repr(character) in str(caught.value)

    def test_a_series_given_as_a_whole_is_judged_too(self) -> None:
        assert naming.series_problems("shop__web__prod") == []
        assert naming.series_problems("__") == ["the series name is empty"]
        (problem,) = naming.series_problems("shop web")
        assert "' '" in problem

    def test_a_name_is_refused_when_a_revision_would_not_fit_any_more(self) -> None:
        assert naming.series_problems("a" * 247) == []
        (problem,) = naming.series_problems("a" * 248)
        assert "248 characters" in problem
        assert "255" in problem

    def test_a_long_application_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="255"):
            naming.series_name("a" * 255, "web", "prod")

    def test_what_grows_by_sanitising_is_measured_afterwards(self) -> None:
        with pytest.raises(InvalidInput, match="characters long"):
            naming.series_name("a.b" * 70, "web", "prod")


class TestRevisions:
    @given(series, st.integers(0, 999_999))
    def test_a_groups_name_tells_its_revision(self, name: str, revision: int) -> None:
        group = naming.group_name(name, revision)
        assert naming.revision_of(name, group) == revision
        assert len(group) <= 255

    @pytest.mark.parametrize(
        "name",
        [
            "shop__web__prod",
            "shop__web__prod__",
            "shop__web__prod__x",
            "shop__web__prod__7__1",
            "shop__web__prod__-7",
            "shop__web__prod__7 ",
            "shop__web__prod__\N{ARABIC-INDIC DIGIT SEVEN}",
            "shop__web__prod__²",
            "shop__web__production__7",
            "my__shop__web__prod__7",
            "",
        ],
    )
    def test_other_names_tell_none(self, name: str) -> None:
        assert naming.revision_of("shop__web__prod", name) is None

    @given(series, series, st.integers(0, 99))
    def test_no_name_is_of_two_series(self, one: str, other: str, revision: int) -> None:
        if one != other:
            assert naming.revision_of(one, naming.group_name(other, revision)) is None


class TestLaunchTemplates:
    def test_it_is_named_like_the_group(self) -> None:
        assert naming.launch_template_name("shop__web__prod__7") == "shop__web__prod__7"

    def test_a_long_one_keeps_the_end_with_the_revision(self) -> None:
        name = naming.launch_template_name(naming.group_name("a" * 247, 12))
        assert len(name) == 128
        assert name.endswith("a__12")

    @given(series, st.integers(0, 999_999))
    def test_aws_takes_every_name(self, name: str, revision: int) -> None:
        assert LAUNCH_TEMPLATE_NAME.fullmatch(naming.launch_template_name(naming.group_name(name, revision)))

    @given(st.integers(1, 128), st.integers(0, 999_999), st.sets(st.sampled_from("abcdefgh"), min_size=2))
    def test_names_that_differ_only_where_they_are_cut_stay_different(
        self, length: int, revision: int, beginnings: set[str]
    ) -> None:
        groups = [naming.group_name(one + "x" * (118 + length), revision) for one in beginnings]
        assert len({naming.launch_template_name(group) for group in groups}) == len(groups)

    def test_the_longest_that_fits_is_kept_and_the_next_is_cut(self) -> None:
        assert naming.launch_template_name("a" * 128) == "a" * 128
        cut = naming.launch_template_name("a" * 129)
        assert cut != "a" * 129
        assert len(cut) == 128


class TestShortNames:
    @pytest.mark.parametrize(
        ("name", "short"),
        [
            ("shop__checkout__prod__7", "checkout__prod__7"),
            # Whose "__" is whose? Nobody can tell: "check__out" would lose its first half.
            ("my__shop__checkout__prod__7", "my__shop__checkout__prod__7"),
            ("my__shop__1__0__check__out__prod__6", "my__shop__1__0__check__out__prod__6"),
            ("shop____prod__7", "shop____prod__7"),
            ("checkout__prod__7", "checkout__prod__7"),
            ("shop-checkout-base", "shop-checkout-base"),
            ("shop__checkout__prod__7__baseline", "checkout__prod__7__baseline"),
            ("my__shop__checkout__prod__7__baseline", "my__shop__checkout__prod__7__baseline"),
        ],
    )
    def test_a_line_shows_the_last_three_of_four_parts(self, name: str, short: str) -> None:
        assert naming.short_name(name) == short


class TestBaselines:
    def test_it_is_named_after_the_group_and_taken_for_no_revision(self) -> None:
        name = naming.baseline_name("shop__checkout__prod__7")
        assert name == "shop__checkout__prod__7__baseline"
        assert naming.series_of_revision(name) is None
        for series in ("shop__checkout__prod", "shop__checkout__prod__7"):
            assert naming.revision_of(series, name) is None

    def test_a_long_one_keeps_its_end_and_tells_one_from_another(self) -> None:
        names = {naming.baseline_name(f"{'a' * 240}__{revision}") for revision in (7, 8)}
        assert len(names) == 2
        assert all(len(name) <= 255 for name in names)
        assert all(name.endswith("__baseline") for name in names)
        (longest,) = {naming.baseline_name(f"{'a' * 247}__123456")}
        assert len(longest) == 255
        assert naming.series_of_revision(longest) is None
