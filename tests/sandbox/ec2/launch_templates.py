# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launch templates where moto stores them and answers wrongly.

moto puts the template's own tags among those of its instances, ignores SourceVersion, deletes no version, and
shows the first 15 templates or versions without a token for the rest. After the Amazon EC2 API Reference.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

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
        "DeleteLaunchTemplateVersions",
        "ModifyLaunchTemplate",
        "DescribeLaunchTemplates",
        "DescribeLaunchTemplateVersions",
    }
)
_LARGEST_PAGE = 200
#: They stay in moto's lists, where a version is found by its place.
_deleted: WeakSet[LaunchTemplateVersion] = WeakSet()


def handle(world: World, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Do one of ``OPERATIONS``."""
    if parameters.get("DryRun"):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    handlers: dict[str, Callable[[World, Any, dict[str, Any]], dict[str, Any]]] = {
        "CreateLaunchTemplate": _create,
        "CreateLaunchTemplateVersion": _create_version,
        "DeleteLaunchTemplateVersions": _delete_versions,
        "ModifyLaunchTemplate": _modify,
        "DescribeLaunchTemplates": _describe,
        "DescribeLaunchTemplateVersions": _describe_versions,
    }
    return handlers[operation](world, world.backend("ec2"), parameters)


def find_version(template: LaunchTemplate, wanted: str) -> LaunchTemplateVersion | None:
    """Return a version of a template by its number, ``$Latest`` or ``$Default``; None for none."""
    special = {"$Latest": _versions(template)[-1].number, "$Default": template.default_version_number}
    number = str(special.get(wanted, wanted))
    return next((version for version in _versions(template) if str(version.number) == number), None)


def _versions(template: LaunchTemplate) -> list[LaunchTemplateVersion]:
    """Return the versions that were not deleted, oldest first; the default one is always among them."""
    return [version for version in template.versions if version not in _deleted]


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

    With SourceVersion it "inherits the launch parameters from the source version. If you specify additional launch
    parameters for the new version, they overwrite" those (CreateLaunchTemplateVersion).
    """
    template = _named(backend, parameters)
    data = _checked(parameters["LaunchTemplateData"])
    if source := parameters.get("SourceVersion"):
        data = {**_version_of(template, source).data, **data}
    version = template.create_version(data, parameters.get("VersionDescription", ""))
    return {"LaunchTemplateVersion": _version(world, template, version)}


def _delete_versions(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete versions, and tell of those that cannot be.

    "You can't delete the default version of a launch template; you must first assign a different version as the
    default" (DeleteLaunchTemplateVersions). A number is not used again.
    """
    template = _named(backend, parameters)
    done, failed = [], []
    for wanted in parameters["Versions"]:
        version = find_version(template, wanted)
        named = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
        if version is None:
            error = {"Code": "launchTemplateVersionDoesNotExist", "Message": _no_version(template, wanted)}
        elif template.is_default(version):
            message = f"Version {wanted} is the default version of the launch template and cannot be deleted."
            error = {"Code": "unexpectedError", "Message": message}
        else:
            _deleted.add(version)
            done.append(named | {"VersionNumber": version.number})
            continue
        number = int(wanted) if wanted.isdigit() else None
        failed.append(named | {"VersionNumber": number, "ResponseError": error})
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": done,
        "UnsuccessfullyDeletedLaunchTemplateVersions": failed,
    }


def _modify(world: World, backend: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    template = _named(backend, parameters)
    if "DefaultVersion" in parameters:
        template.default_version_number = _version_of(template, parameters["DefaultVersion"]).number
    return {"LaunchTemplate": _template(world, template)}


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
        newest_first = reversed(_versions(template))
        all_of_them = [version for version in newest_first if low <= version.number <= high]
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
    version = find_version(template, wanted)
    if version is None:
        raise AwsError("InvalidLaunchTemplateId.VersionNotFound", _no_version(template, wanted))
    return version


def _no_version(template: LaunchTemplate, wanted: str) -> str:
    return f"Could not find the specified version {wanted} for the launch template with ID {template.id}."


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
        "LatestVersionNumber": _versions(template)[-1].number,
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
