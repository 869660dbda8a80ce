"""ministack as a child process, on loopback."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import boto3

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Emulator:
    """A running ministack."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


@contextlib.contextmanager
def running(program, log):
    """Starts ministack with nothing of this process's environment, and ends it."""
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.path.expanduser("~"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # The functions inherit it: their SDK finds ministack by it.
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        # A missing permission on a table is then noticed.
        "AUTH": "true",
        **CREDENTIALS,
    }
    if shutil.which(program) is None:
        raise SystemExit(f"{program} is not installed: make test-deploy installs it")
    with open(log, "wb") as output:
        process = subprocess.Popen([program], env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for(f"{endpoint}/_ministack/health", process, log)
            yield Emulator(endpoint)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(url, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"ministack ended at once; its output is in {log}")
        with contextlib.suppress(OSError, urllib.error.URLError):
            if urllib.request.urlopen(url, timeout=2).status == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"ministack does not answer; its output is in {log}")
