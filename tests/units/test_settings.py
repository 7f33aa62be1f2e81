"""What the surroundings say: folders, database, proxy."""

from pathlib import Path

import pytest

from api.settings import cache_folder, database_url, proxy_and_certificates


def test_the_database_is_what_was_asked_for_then_the_environments_then_a_file_of_the_users_own():
    surroundings = {"JINHENG_DATABASE": "postgresql://me@host/db", "JINHENG_HOME": "/srv/jinheng"}
    assert database_url("sqlite:///x.db", surroundings) == "sqlite:///x.db"
    assert database_url(None, surroundings) == "postgresql://me@host/db"
    assert database_url(None, {"JINHENG_HOME": "/srv/jinheng"}) == "sqlite:////srv/jinheng/jinheng.db"


@pytest.mark.parametrize(
    ("environment", "data", "cache"),
    [
        ({"JINHENG_HOME": "/a"}, "/a/jinheng.db", "/a/feeds"),
        ({"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}, "/d/jinheng/jinheng.db", "/c/jinheng/feeds"),
    ],
)
def test_folders_are_where_the_conventions_put_them(environment, data, cache):
    assert database_url(None, environment) == f"sqlite:///{data}"
    assert cache_folder(environment) == Path(cache)


def test_a_relative_folder_of_the_conventions_is_ignored_as_they_ask(monkeypatch):
    monkeypatch.setenv("HOME", "/people/somebody")
    assert cache_folder({"XDG_CACHE_HOME": "here"}) == Path("/people/somebody/.cache/jinheng/feeds")


def test_proxy_and_certificates_come_from_their_usual_names():
    assert proxy_and_certificates({}) == (None, None)
    named = {"HTTPS_PROXY": "http://proxy.example:8080", "SSL_CERT_FILE": "/etc/office.pem"}
    assert proxy_and_certificates(named) == ("http://proxy.example:8080", Path("/etc/office.pem"))
