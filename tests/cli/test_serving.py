"""What `reid-serve` does before it answers."""

import sys
from pathlib import Path

import pytest
import served as servers
from click.testing import CliRunner

from reid.cli import serving
from reid.cli.serve import command
from reid.errors import ConfigError, MissingInputError

OPTIONS = {
    "host": "127.0.0.1",
    "port": 0,
    "token": None,
    "names": (),
    "private": False,
    "read_only": False,
    "uploads": None,
    "upload_limit": 16,
    "model": None,
    "device": "cpu",
}
LONG = "0123456789abcdef"


@pytest.mark.parametrize(
    "exposed", [{"host": "192.0.2.1"}, {"host": "::"}, {"names": ("reid.example.org",)}, {"private": True}]
)
def test_no_token_no_strangers(exposed):
    """Where others can reach it, it does not start without a token, and says how to make one; with one it asks everybody."""
    with pytest.raises(ConfigError, match="REID_TOKEN"):
        serving.access_of({**OPTIONS, **exposed})

    assert not serving.access_of({**OPTIONS, **exposed, "token": LONG}).free_reading


def test_a_token_for_this_machine():
    """One is drawn, another each time; reading needs none."""
    first, second = serving.access_of(OPTIONS), serving.access_of(OPTIONS)

    assert first.free_reading
    assert len(first.token) >= 24
    assert first.token != second.token


def test_tokens_that_can_be_guessed(capsys):
    """A warning for a short one, an error for an empty one, as from an empty REID_TOKEN."""
    serving.access_of({**OPTIONS, "token": "secret"})
    assert "may be guessed" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="not empty"):
        serving.access_of({**OPTIONS, "token": ""})


def test_where_uploads_go(tmp_path):
    """Beside a gallery in a folder, not inside it; where it is told; nowhere for a database."""
    assert serving.uploads_of(str(tmp_path / "g"), None) == (tmp_path / "g-uploads").resolve()
    assert serving.uploads_of("milvus://host:19530/g", None) is None
    assert serving.uploads_of("milvus://host:19530/g", tmp_path) == tmp_path.resolve()


def test_the_extra_is_named(monkeypatch):
    """Where a library is missing."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r"uvicorn.*reid-toolkit\[serve\]"):
        serving.serve_gallery("g", OPTIONS, None)


def test_no_gallery(tmp_path):
    """Is told as by every command."""
    with pytest.raises(MissingInputError):
        serving.serve_gallery(str(tmp_path / "none"), OPTIONS, None)


def test_from_options_to_an_answer(tmp_path, monkeypatch):
    """The link that is printed has the token that was drawn, and the parts that answer are those of the options."""
    from reid.embed import Embedder
    from reid.serve import server

    servers.fill(tmp_path / "g").close()
    monkeypatch.setattr(serving, "embedder_of", lambda *_: Embedder(servers.Colours()))
    seen = {}

    def serve(application, running, bound, ready):
        seen.update(running=running, port=bound.getsockname()[1])
        bound.close()
        ready()

    monkeypatch.setattr(server, "serve", serve)
    shown = CliRunner().invoke(
        command, [str(tmp_path / "g"), "--port", "0", "--upload-limit", "3"], catch_exceptions=False
    )

    assert shown.output.startswith(f"http://127.0.0.1:{seen['port']}/#token=")
    assert seen["running"].limits.upload == 3 * 2**20
    assert seen["running"].service.uploads.folder == Path(f"{tmp_path}/g-uploads").resolve()
