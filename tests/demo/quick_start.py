# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make sandbox`` has in it: the shop of docs/quick-start.md, before its first deployment."""

from __future__ import annotations

from tests.demo.running import SandboxServer
from tests.demo.shop import Shop

#: The AMIs by what follows ``shop-`` in their names. Instances of the last are busy, and fail every third request.
IMAGES = {"1.0": {}, "2.0": {}, "3.0": {"cpu": {"mean": 95.0, "sd": 2.0}, "error_rate": 0.3}}


def open_shop(url: str) -> None:
    """Make a base group and the AMIs in the sandbox at an address."""
    server, shop = SandboxServer(url), Shop(url)
    images = {name: shop.register_image(name) for name in IMAGES}
    for name, behaviour in IMAGES.items():
        server.behave(images[name], behaviour)
    shop.make_base_group(
        LaunchTemplate=shop.launch_template(images["1.0"]), TargetGroupARNs=[shop.target_group()]
    )
    shop.scale_with_cpu()
