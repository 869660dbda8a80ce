"""The policy that scores: the default one, and a look at the customers' history."""

import json
import os
import subprocess
from pathlib import Path

from . import emulator

DEFAULT = Path("crates/fraud-core/policies/default.toml")
HISTORY = """
[history]
prior_mean_amount = 50
outlier_ratio = 3

[[factors]]
name = "many_today"
input = "history.count_24h"
bands = [{ above = 10, points = 0.1 }]
"""


class Policy:
    """A policy's file, and the tool that publishes it."""

    def __init__(self, fraudctl, folder):
        self._fraudctl = fraudctl
        self._path = Path(folder, "smoke.toml")
        self._path.write_text(DEFAULT.read_text(encoding="utf-8").replace('name = "default"', 'name = "smoke"', 1) + HISTORY, encoding="utf-8")

    def id(self):
        return json.loads(self._run("check", self._path, "--json"))["policy"]

    def publish(self, aws, table):
        """Puts it into the table, as an analyst does."""
        self._run("publish", self._path, "--store", f"dynamodb:{table}", "--by", "smoke", endpoint=aws.endpoint)

    def _run(self, *arguments, endpoint=None):
        environment = {"PATH": os.environ["PATH"], "AWS_REGION": emulator.REGION, **emulator.CREDENTIALS}
        if endpoint:
            environment["AWS_ENDPOINT_URL"] = endpoint
        return subprocess.run([self._fraudctl, "policy", *map(str, arguments)], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
