# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.sandbox``: serve the pretend AWS until interrupted.

The first line that is printed is its address. With ``--shop`` it has in it what a first deployment needs.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable

from tests.sandbox.gateway import Gateway
from tests.sandbox.server import Server
from tests.sandbox.world import Settings

_LOOK = 0.25
#: moto knows one account.
_FLAGS = [field for field in dataclasses.fields(Settings) if field.name != "account_id"]
_HINTS = """\

  export AWS_ENDPOINT_URL={url}
  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_REGION={region} AWS_DEFAULT_REGION={region}

  aws autoscaling describe-auto-scaling-groups
  curl -s {url}/sandbox/calls
  curl -s {url}/sandbox/clock -d '{{"skip": 60}}'

What else there is below {url}/sandbox/ is told in tests/sandbox/control.py. Ctrl-C ends it.
"""


def main() -> int:
    """Serve; returns the exit code."""
    options = _options()
    settings = Settings(**{field.name: getattr(options, field.name) for field in _FLAGS})
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    server = Server(Gateway(settings), options.port)
    server.start()
    try:
        if options.shop:
            # Not for a test's sandbox: boto3 and its models take a second to load.
            from tests.demo.quick_start import open_shop

            open_shop(server.url)
        print(server.url, flush=True)
        if sys.stdout.isatty():
            print(_HINTS.format(url=server.url, region=settings.region), flush=True)
        started, parent_lives = time.monotonic(), _life_of(options.parent)
        while not over.wait(_LOOK):
            now = time.monotonic()
            if not parent_lives():
                break
            if now - started > options.most_seconds or now - server.last_request > options.idle_seconds:
                print("Nobody needs this sandbox any more.", file=sys.stderr)
                break
    finally:
        server.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sandbox", description="A pretend AWS on loopback. All durations are seconds."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")
    parser.add_argument(
        "--shop", action="store_true", help="with a base group and AMIs, as docs/quick-start.md wants"
    )
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process does")
    parser.add_argument(
        "--idle-seconds", type=float, default=4 * 3600, help="end after so long without a request"
    )
    parser.add_argument("--most-seconds", type=float, default=24 * 3600, help="end after so long")
    for field in _FLAGS:
        kind = str if isinstance(field.default, str) else float
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=kind, default=field.default, help=f"({field.default})"
        )
    options = parser.parse_args()
    for name, value in vars(options).items():
        if isinstance(value, float) and value < 0:
            parser.error(textwrap.fill(f"--{name.replace('_', '-')} must be 0 or more"))
    return options


def _life_of(parent: int | None) -> Callable[[], bool]:
    """Return what tells whether ``parent`` still lives; a process without one has no end."""
    if parent is None:
        return lambda: True
    if os.getppid() == parent:
        # A parent that has ended and was not waited for still has its id, but no children any more.
        return lambda: os.getppid() == parent

    def lives() -> bool:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    return lives


if __name__ == "__main__":
    sys.exit(main())
