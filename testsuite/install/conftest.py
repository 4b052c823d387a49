"""The installed tree."""

import pytest

from harness.tools import BUILD, clean_environment, execute


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("install")
    execute(["make", "-C", BUILD, "install", f"DESTDIR={root}", "prefix=/usr"], env=clean_environment()).ok()
    return root / "usr"
