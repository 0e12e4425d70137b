"""Images built by buildah and run by podman, in a storage of the test's own; no registry is asked.

Debian's packages stand in for the images that would be downloaded. Of the relay's own, everything
is as the Dockerfile says.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import pytest

ROOT = Path(__file__).parents[2]

STANDINS = Path(__file__).parent / "standins"

BASE = "docker.io/library/python:3.12-slim-bookworm"
"""Debian's own Python stands in for it."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts; what is installed in a build may come through a proxy of its own."""

STORAGE = """\
[storage]
driver = "overlay"
runroot = "{folder}/run"
graphroot = "{folder}/images"
"""

ENGINE = """\
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime = "runc"
"""


class Containers:
    """A storage of images, and the containers that run from it."""

    def __init__(self) -> None:
        """Describe it; the context makes it."""
        if os.geteuid():
            pytest.skip("images are built by root alone")
        self.folder = Path(tempfile.mkdtemp(prefix="scribe-relay-containers-"))
        self._environment = {
            **os.environ,  # noqa: TID251  # how this machine reaches packages
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "REGISTRIES_CONFIG_PATH": str(self.folder / "registries.conf"),
        }

    def __enter__(self) -> Self:
        (self.folder / "storage.conf").write_text(STORAGE.format(folder=self.folder))
        (self.folder / "containers.conf").write_text(ENGINE)
        (self.folder / "registries.conf").write_text("unqualified-search-registries = []\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.podman("rm", "--all", "--force", "--volumes", check=False)
        subprocess.run(["umount", "--lazy", self.folder / "images/overlay"], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def import_base(self) -> None:
        """Make the image that the Dockerfile begins with."""
        root = self.folder / "base"
        packages = "python3,python3-venv,ca-certificates"
        self.run("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root)
        (root / "usr/bin/python").symlink_to("python3")
        shutil.copy(AUTHORITIES, root / "etc/ssl/certs/")
        archive = self.folder / "base.tar"
        self.run("tar", "--create", "--directory", root, "--file", archive, ".")
        shutil.rmtree(root)
        variables = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"):
            variables[name] = str(AUTHORITIES)
        changes = [f"--change=ENV {name}={value}" for name, value in variables.items()]
        self.podman("import", *changes, archive, BASE)
        archive.unlink()

    def build(self, folder: Path, target: str, tag: str, *arguments: str) -> None:
        """Build one target of the file in a folder."""
        # As in a build that leaves nothing behind: each layer is there for the next target.
        how = ["--isolation=chroot", "--pull-never", "--format=docker", "--layers"]
        self.run("buildah", "bud", *how, *arguments, f"--target={target}", f"--tag={tag}", folder)

    def podman(self, *arguments: str | Path, check: bool = True) -> str:
        """Call podman; what it printed."""
        return self.run("podman", *arguments, check=check)

    def log(self, name: str) -> str:
        """What a container has written to its standard error."""
        command = ["podman", "logs", name]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stderr

    def compose(self, *arguments: str, variables: Mapping[str, str]) -> str:
        """Call podman-compose on `docker-compose.yml`, with the profile of the demo."""
        program = [sys.executable, "-m", "podman_compose", "--profile", "demo"]
        return self.run(*program, *arguments, variables=variables)

    def run(
        self,
        *command: str | Path,
        check: bool = True,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Call a program; what it printed on standard output.

        Raises:
            AssertionError: If it fails and is to be checked.
        """
        if shutil.which(str(command[0])) is None:
            pytest.fail(f"{command[0]} is not installed: `make test-all` does that")
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if check:
            said = (done.stdout + done.stderr)[-4_000:]
            assert done.returncode == 0, f"{' '.join(map(str, command))}\n{said}"
        return done.stdout
