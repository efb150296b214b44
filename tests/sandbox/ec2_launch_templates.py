# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launch templates where moto stores them and answers wrongly.

moto puts the template's own tags among those of its instances, ignores SourceVersion, and shows the first 15
templates or versions without a token for the rest. After the Amazon EC2 API Reference.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.utils import parse_user_data

from tests.sandbox.errors import AwsError, not_modelled

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: The operations that are answered here instead of by moto.
OPERATIONS = frozenset(
    {
        "CreateLaunchTemplate",
        "CreateLaunchTemplateVersion",
        "DescribeLaunchTemplates",
        "DescribeLaunchTemplateVersions",
    }
)
_LARGEST_PAGE = 200


def handle(world: World, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Do one of ``OPERATIONS``."""
    if parameters.get("DryRun"):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    backend = world.backend("ec2")
    if operation == "CreateLaunchTemplate":
        return _create(world, backend, parameters)
    if operation == "CreateLaunchTemplateVersion":
        return _create_version(world, backend, parameters)
    if operation == "DescribeLaunchTemplates":
        return _describe(world, backend, parameters)
    return _describe_versions(world, backend, parameters)


def _create(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    name = parameters["LaunchTemplateName"]
    if name in backend.launch_template_name_to_ids:
        message = "Launch template name already in use."
        raise AwsError("InvalidLaunchTemplateName.AlreadyExistsException", message)
    tags = {
        specification["ResourceType"]: {tag["Key"]: tag.get("Value", "") for tag in specification["Tags"]}
        for specification in parameters.get("TagSpecifications") or []
    }
    if foreign := set(tags) - {"launch-template"}:
        raise AwsError(
            "InvalidParameterValue",
            f"'{sorted(foreign)[0]}' is not a valid taggable resource type for this operation.",
        )
    data = _checked(parameters["LaunchTemplateData"])
    template = backend.create_launch_template(name, parameters.get("VersionDescription"), data, tags)
    return {"LaunchTemplate": _template(world, template)}


def _create_version(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a version.

    "The new version inherits the same launch parameters as the source version, except for parameters that you
    specify in LaunchTemplateData" (CreateLaunchTemplateVersion).
    """
    template = _named(backend, parameters)
    data = _checked(parameters["LaunchTemplateData"])
    if source := parameters.get("SourceVersion"):
        data = {**_version_of(template, source).data, **data}
    version = template.create_version(data, parameters.get("VersionDescription", ""))
    return {"LaunchTemplateVersion": _version(world, template, version)}


def _describe(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    names, identifiers = parameters.get("LaunchTemplateNames"), parameters.get("LaunchTemplateIds")
    for key, named in (("LaunchTemplateName", names), ("LaunchTemplateId", identifiers)):
        for one in named or []:
            _named(backend, {key: one})
    filters = {one["Name"]: one.get("Values") or [] for one in parameters.get("Filters") or []}
    found = backend.describe_launch_templates(names, identifiers, filters)
    shown, token = _page(found, parameters)
    return {"LaunchTemplates": [_template(world, template) for template in shown]} | token


def _describe_versions(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    if parameters.get("Filters"):
        raise not_modelled("filters of DescribeLaunchTemplateVersions")
    wanted = parameters.get("Versions") or []
    if "LaunchTemplateId" in parameters or "LaunchTemplateName" in parameters:
        template = _named(backend, parameters)
        low = int(parameters.get("MinVersion", 1))
        high = int(parameters.get("MaxVersion", template.latest_version_number))
        # The newest version comes first.
        all_of_them = [version for version in reversed(template.versions) if low <= version.number <= high]
        chosen = [_version_of(template, version) for version in wanted] or all_of_them
        found = [(template, version) for version in chosen]
    elif wanted and set(wanted) <= {"$Latest", "$Default"}:
        templates = list(backend.launch_templates.values())
        found = [(template, _version_of(template, version)) for template in templates for version in wanted]
    else:
        raise AwsError(
            "MissingParameter",
            "A launch template must be named by its ID or its name, unless the versions are $Latest or $Default.",
        )
    shown, token = _page(found, parameters)
    versions = [_version(world, template, version) for template, version in shown]
    return {"LaunchTemplateVersions": versions} | token


def _named(backend: Any, parameters: dict[str, Any]) -> LaunchTemplate:
    identifier, name = parameters.get("LaunchTemplateId"), parameters.get("LaunchTemplateName")
    if bool(identifier) == bool(name):
        message = "Either the launch template ID or the launch template name must be specified, not both."
        raise AwsError("InvalidParameterCombination", message)
    template: LaunchTemplate | None = backend.launch_templates.get(
        identifier or backend.launch_template_name_to_ids.get(name)
    )
    if template is not None:
        return template
    if identifier:
        code, what = "InvalidLaunchTemplateId.NotFound", f"template ID {identifier}"
    else:
        code, what = "InvalidLaunchTemplateName.NotFoundException", f"template name {name}"
    raise AwsError(code, f"The specified launch template, with {what}, does not exist.")


def _version_of(template: LaunchTemplate, wanted: str) -> LaunchTemplateVersion:
    special = {"$Latest": template.latest_version_number, "$Default": template.default_version_number}
    for version in template.versions:
        if str(version.number) == str(special.get(wanted, wanted)):
            return version
    raise AwsError(
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version {wanted} for the launch template with ID {template.id}.",
    )


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """Return a template's data as moto wants it. Raises AwsError for user data that is not base64."""
    result = dict(data)
    if text := result.get("UserData"):
        try:
            base64.b64decode(text, validate=True)
        except ValueError:
            raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
        result["UserData"] = parse_user_data(text)
    return result


def _page(found: Sequence[Any], parameters: dict[str, Any]) -> tuple[Sequence[Any], dict[str, str]]:
    size = min(int(parameters.get("MaxResults", _LARGEST_PAGE)), _LARGEST_PAGE)
    token = parameters.get("NextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidNextToken", "The token is not valid.")
    start = int(token)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return found[start : start + size], more


def _template(world: World, template: LaunchTemplate) -> dict[str, Any]:
    """Return the shape ``LaunchTemplate``."""
    described = _common(world, template) | {
        "CreateTime": template.create_time,
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number,
    }
    tags = [{"Key": tag["key"], "Value": tag["value"]} for tag in template.get_tags()]
    return described | ({"Tags": tags} if tags else {})


def _version(world: World, template: LaunchTemplate, version: LaunchTemplateVersion) -> dict[str, Any]:
    """Return the shape ``LaunchTemplateVersion``."""
    described = _common(world, template) | {
        "CreateTime": version.create_time,
        "DefaultVersion": template.is_default(version),
        "LaunchTemplateData": {key: value for key, value in version.data.items() if value is not None},
        "VersionNumber": version.number,
    }
    return described | ({"VersionDescription": version.description} if version.description else {})


def _common(world: World, template: LaunchTemplate) -> dict[str, Any]:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreatedBy": f"arn:aws:iam::{world.settings.account_id}:root",
    }
