"""Images for pods, made here: no registry is asked. A Debian with Python, this repository's Dockerfile on it, and a Valkey.

``python -m tests.cluster.pods.images`` makes them where there is a network, which the tests then have not. Needs root, buildah
and debootstrap. Debian, wheels and layers are kept in the folder of tests/helm/tools.py.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.dev.embedded_redis import find_redis_server
from tests.cluster.installing import last_release
from tests.helm import tools
from tests.helm.chart import ROOT

PYTHON = "localhost/python:tests"
VALKEY = "docker.io/valkey/valkey:9.1-alpine"
"""What the chart calls the image of its bundled Redis."""
MINTMARK = "docker.io/library/mintmark"
NOW, BEFORE = f"{MINTMARK}:now", f"{MINTMARK}:before"
"""This checkout, and the last release."""
ALL = (PYTHON, VALKEY, NOW, BEFORE)

PACKAGES = "python3,python3-venv,ca-certificates"
LONGEST = 1800
NEEDED = ("containerd", "runc", "ctr", "iptables", "conntrack", "buildah", "debootstrap", "ip", "unshare")
PLUGINS = Path("/usr/lib/cni")
"""Where Debian has the network's plugins."""
INSTALL = "apt-get install containerd runc containernetworking-plugins iptables conntrack buildah debootstrap iproute2"

_PLACE = tools.CACHE / "images"
_STORE = [f"--root={_PLACE / 'store'}", f"--runroot={_PLACE / 'run'}", "--storage-driver=overlay"]
_ALONE = ["--isolation", "chroot", "--network", "host"]
_FETCH = (
    "python -m venv /tmp/pip && /tmp/pip/bin/pip download -q --only-binary :all: --no-deps --require-hashes -d /wheels"
)


def what_is_missing() -> str:
    """What pods need and this machine has not, empty where they can run."""
    missing = [one for one in NEEDED if not shutil.which(one)]
    missing += [str(path) for path in (PLUGINS / "ptp", PLUGINS / "host-local") if not path.exists()]
    if missing:
        return f"{', '.join(missing)} not here: {INSTALL}"
    return "" if os.geteuid() == 0 else "only root runs them"


def archive(name: str) -> Path:
    """An image as a file that containerd imports."""
    return _PLACE / f"{name.replace('/', '-').replace(':', '-')}.tar"


def make_all() -> None:
    """All of ``ALL``, of this checkout as it is."""
    with tools.one_at_a_time("images"), tempfile.TemporaryDirectory() as folder:
        _PLACE.mkdir(exist_ok=True)
        if not archive(PYTHON).exists():
            _make_python()
        _make_valkey()
        _make_mintmark(ROOT, NOW)
        _make_mintmark(last_release(Path(folder)), BEFORE)


def _make_python() -> None:
    made = _buildah("from", "scratch").strip()
    _buildah("add", made, str(_debian()), "/")
    _buildah("run", *_ALONE, made, "ln", "-s", "/usr/bin/python3", "/usr/local/bin/python")
    # Run as it is, it keeps a pod's namespaces.
    _buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", "--cmd", "sleep infinity", made)
    _buildah("commit", "--quiet", "--rm", made, PYTHON)
    _export(PYTHON)


def _make_valkey() -> None:
    """From the server that the tests have."""
    made = _buildah("from", PYTHON).strip()
    _buildah("copy", "--chmod", "755", made, str(find_redis_server()), "/usr/local/bin/valkey-server")
    _buildah("commit", "--quiet", "--rm", made, VALKEY)
    _export(VALKEY)


def _make_mintmark(checkout: Path, name: str) -> None:
    """By the Dockerfile of a checkout, without a network."""
    build(checkout, name, VERSION=name.rpartition(":")[2])
    _export(name)


def build(checkout: Path, name: str, **arguments: str) -> None:
    """Build an image by the Dockerfile of a checkout, without a network; ``arguments`` are those of the build."""
    told = {"PYTHON": PYTHON, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", **arguments}
    given = [word for member in told.items() for word in ("--build-arg", "=".join(member))]
    mounted = ["--volume", f"{_wheels(checkout)}:/wheels:ro"]
    _buildah("bud", "--layers", "--format", "docker", *_ALONE, *given, *mounted, "--tag", name, str(checkout))


def described(name: str) -> dict[str, Any]:
    """What an image says of itself, as Docker has it."""
    found: dict[str, Any] = json.loads(_buildah("inspect", "--type", "image", name))["Docker"]
    return found


@contextmanager
def files_of(name: str) -> Iterator[Path]:
    """The files of an image in a folder that nobody can write to, root neither."""
    made = _buildah("from", name).strip()
    try:
        root = Path(_buildah("mount", made).strip())
        for kind in ("dev", "proc"):
            bind(Path("/", kind), root / kind)
        _run("mount", "--bind", str(root), str(root))
        _run("mount", "-o", "remount,bind,ro", str(root))
        yield root
    finally:
        _run("sh", "-c", f"umount --recursive --lazy {root}; umount --recursive --lazy {root}; true")
        _buildah("rm", made)


def bind(here: Path, there: Path) -> None:
    """Show a folder elsewhere, with what is mounted in it; what is unmounted there stays here (rslave of mount(8))."""
    _run("mount", "--rbind", str(here), str(there))
    _run("mount", "--make-rslave", str(there))


def _export(name: str) -> None:
    """Renamed when whole: what is broken off leaves nothing that looks like an image."""
    written = archive(name).with_suffix(".new")
    written.unlink(missing_ok=True)
    _buildah("push", "--quiet", name, f"docker-archive:{written}:{name}")
    written.rename(archive(name))


def _debian() -> Path:
    """The files of a small Debian, packed."""
    place = _PLACE / "debian.tar"
    if not place.exists():
        root = _PLACE / "debian"
        shutil.rmtree(root, ignore_errors=True)
        _run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
        for unneeded in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
            shutil.rmtree(root / unneeded, ignore_errors=True)
        _run("tar", "--numeric-owner", "--exclude=./dev/*", "-cf", f"{place}.new", "-C", str(root), ".")
        shutil.rmtree(root)
        Path(f"{place}.new").rename(place)
    return place


def _wheels(checkout: Path) -> Path:
    """A folder with what the Dockerfile installs, chosen by the Python that it is for."""
    locks = [checkout / "requirements" / name for name in ("build.txt", "image.txt")]
    place = _PLACE / f"wheels-{hashlib.sha256(b''.join(lock.read_bytes() for lock in locks)).hexdigest()[:12]}"
    if not place.exists():
        fetched = Path(f"{place}.new")
        fetched.mkdir(exist_ok=True)
        mounts = {fetched: "/wheels", locks[0].parent: "/requirements:ro", Path("/etc/ssl/certs"): "/etc/ssl/certs:ro"}
        mounted = [word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}")]
        trusted = ["--env", "PIP_CERT=/etc/ssl/certs/ca-certificates.crt"]
        listed = "-r /requirements/build.txt -r /requirements/image.txt"
        made = _buildah("from", PYTHON).strip()
        _buildah("run", *_ALONE, *mounted, *trusted, made, "sh", "-c", f"{_FETCH} {listed}")
        _buildah("rm", made)
        fetched.rename(place)
    return place


def _buildah(command: str, *arguments: str) -> str:
    return _run("buildah", *_STORE, command, *arguments)


def _run(*command: str) -> str:
    environment = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


if __name__ == "__main__":
    if missing := what_is_missing():
        print(f"NO PODS: {missing}")  # the tests that need them say so again
    else:
        make_all()
