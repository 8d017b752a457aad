"""reid-eval as a user calls it."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from whole_runs import call, evaluate, trained

RANKS = ("rank1", "rank5", "rank10", "mAP", "mINP")


@pytest.fixture
def market(tmp_path_factory, tmp_path):
    """A copy of a finished run on Market-1501's layout, in an empty working folder."""
    made = trained(tmp_path_factory)
    shutil.copytree(made.run, tmp_path / "runs" / "one")
    (tmp_path / "runs" / "latest").symlink_to("one")
    return dataclasses.replace(made, folder=tmp_path, run=tmp_path / "runs" / "one")


def test_no_arguments(market):
    """The latest run on the dataset it was trained on: the figures that reid-train found."""
    before = market.report()
    done = evaluate(market.folder)

    assert done.code == 0, done.err
    assert done.err == ""
    assert done.out.splitlines()[0] == f"model: {market.run}"
    assert market.report()["splits"] == before["splits"]
    table = [line for line in done.out.splitlines() if line.startswith("| test")]
    assert table == [line for line in market.done.out.splitlines() if line.startswith("| test")]


def test_json_of_query_gallery(market):
    """The documented keys, plain numbers in 0..1, and nothing else on standard output."""
    done = evaluate(market.folder, "--json", "-")
    report = json.loads(done.out)

    assert {"dataset", "run", "splits", "rerank", "seconds"} <= report.keys()
    assert (report["dataset"], report["run"], report["rerank"]) == ("market1501", str(market.run), "none")
    figures = report["splits"]["test"]["query-gallery"]
    assert all(0 <= figures[name] <= 1 for name in RANKS)
    assert {"queries", "gallery", "queries_without_match"} <= figures.keys()
    assert "model: " in done.err


@pytest.mark.parametrize("name", ["large", "2400"])
def test_json_of_vehicleid(tmp_path_factory, tmp_path, name):
    """One test set by its name or its number, both protocols, the documented keys."""
    made = trained(tmp_path_factory, "vehicleid")
    done = evaluate(made.folder, "--split", name, "--json", "-", "--out", tmp_path / "o", "--trials", 4)
    report = json.loads(done.out)

    assert list(report["splits"]) == ["large"]
    single, every = (report["splits"]["large"][protocol] for protocol in ("single-shot", "all-vs-all"))
    assert single["trials"] == 4
    assert all(single[rank].keys() == {"mean", "std"} for rank in RANKS)
    assert {"queries", "gallery", "queries_without_match"} <= single.keys()
    assert {"1", "5"} <= every["recall"].keys()
    assert {"mAP", "map_at_r", "r_precision", "nmi"} <= every.keys()
    assert json.loads((tmp_path / "o" / "report.json").read_text()) == report


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--split", "tset"), 78, "did you mean 'test'"),
        (("--run", "runs/two"), 66, "no run runs/two"),
        (("--dataset", "vehicleid"), 66, "vehicleid"),
        (("--out", "runs/one/config.yaml/x"), 73, "runs/one/config.yaml/x"),
        (("--root", "nowhere"), 66, "nowhere"),
        (("--protocol", "best"), 2, "--protocol"),
    ],
)
def test_mistakes(market, arguments, code, words):
    """Each with its code, and what is wrong."""
    done = evaluate(market.folder, *arguments)

    assert (done.code, words in done.err) == (code, True), done.err


@pytest.mark.parametrize(("name", "code"), [("model.safetensors", 74), ("config.yaml", 74)])
def test_damaged_run(market, name, code):
    """74, naming the file."""
    content = bytearray((market.run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (market.run / name).write_bytes(content)
    done = evaluate(market.folder)

    assert done.code == code
    assert name in done.err


def test_another_dataset(market, tmp_path_factory):
    """A set of another layout: test sets and protocols that the run's settings name are not asked of it."""
    other = trained(tmp_path_factory, "vehicleid")
    latest = market.folder / "runs" / "latest"
    before = (latest / "report.json").read_bytes()
    done = evaluate(market.folder, "--dataset", "vid", "--root", other.data, "--split", "small", "--json", "-")

    assert done.code == 0, done.err
    assert (latest / "report.json").read_bytes() == before  # a report of its own dataset stays the run's report
    report = json.loads((latest / "on-vehicleid" / "report.json").read_text())
    assert json.loads(done.out) == report
    assert (report["dataset"], list(report["splits"]["small"])) == ("vehicleid", ["single-shot", "all-vs-all"])


@pytest.mark.parametrize("protocol", [(), ("--protocol", "query-gallery"), ("--protocol", "all-vs-all")])
def test_vectors_from_elsewhere(tmp_path, protocol):
    """Scored without torch, under the name `test`."""
    random = np.random.default_rng(0)
    sides = {"query": 6, "gallery": 20}
    arrays = {f"{side}_vectors": random.normal(size=(n, 8)).astype(np.float32) for side, n in sides.items()}
    arrays |= {f"{side}_identities": np.arange(n) % 5 for side, n in sides.items()}
    np.savez(tmp_path / "v.npz", **arrays)
    script = (
        "import sys\nfrom reid.cli import eval\nsys.argv = ['reid-eval', *sys.argv[1:]]\n"
        "try: eval.main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "--embeddings", "v.npz", *protocol, "--json", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stderr == "False\n"
    report = json.loads(done.stdout)
    assert (report["dataset"], report["run"]) == ("v.npz", None)
    assert list(report["splits"]) == ["test"]
    assert list(report["splits"]["test"]) == [protocol[1] if protocol else "query-gallery"]


def test_help_imports_nothing_slow(tmp_path):
    """`--help` of every command."""
    script = (
        "import sys\nsys.argv = ['x', '--help']\nimport runpy\n"
        "try: runpy.run_module(MODULE, run_name='__main__')\n"
        "except SystemExit as e: assert not e.code\n"
        "print('BAD', {'torch', 'numpy', 'cv2', 'matplotlib', 'pydantic'} & sys.modules.keys())"
    )
    for module in ("reid.cli.train", "reid.cli.eval", "reid.cli.data"):
        command = [sys.executable, "-c", script.replace("MODULE", repr(module))]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Usage: " in done.stdout
        assert done.stdout.splitlines()[-1] == "BAD set()"


def test_help_in_process(tmp_path):
    """Options say their defaults."""
    from reid.cli import eval as evaluating

    done = call(evaluating.main, tmp_path, "--help")
    assert "[default: the latest]" in done.out


def test_the_report_of_a_run(market):
    """A page and pictures, coloured by what made the match where that is asked for; none where they are not wanted."""
    done = evaluate(market.folder, "--explain-learner", "1", pictures=True)
    written = [line for line in done.out.splitlines() if "/report/" in line]

    assert done.code == 0, done.err
    assert written[-1].endswith("report/index.html")
    assert {"explained-hardest-test.png", "suspects-test.csv"} <= {line.rpartition("/")[2] for line in written}
    plain = evaluate(market.folder, "--no-report", "--out", "plain", pictures=True)
    assert plain.code == 0, plain.err
    assert [path.name for path in (market.folder / "plain").iterdir()] == ["report.json"]
    assert "report made" in done.out
    assert "report made" not in plain.out
    refused = evaluate(market.folder, "--explain", "--no-report", pictures=True)
    assert (refused.code, "leave out --no-report" in refused.err) == (78, True)


def test_the_report_of_vectors(tmp_path):
    """Curves and tables; what needs a model or images is refused."""
    names = np.arange(40) % 8
    vectors = np.eye(8)[names] + 0.5 * np.random.default_rng(0).normal(size=(40, 8))
    np.savez(tmp_path / "v.npz", query_vectors=vectors, query_identities=names)
    done = evaluate(tmp_path, "--embeddings", "v.npz", "--out", "o")

    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "o/report/index.html"
    assert (tmp_path / "o" / "report" / "roc.png").is_file()
    refused = evaluate(tmp_path, "--embeddings", "v.npz", "--explain")
    assert (refused.code, "leave out --explain" in refused.err) == (78, True)
    refused = evaluate(tmp_path, "--embeddings", "v.npz", "--explain-learner", "0")
    assert (refused.code, "leave out --explain-learner" in refused.err) == (78, True)


def test_vectors_that_are_averaged(market):
    """The figures are those of averaged vectors, say so, and lie in a folder of their own."""
    plain = market.run / "report.json"
    before = plain.read_bytes()
    done = evaluate(market.folder, "--run", "runs/latest", "--flip", "--no-report", "--json", "flip.json")
    assert done.code == 0, done.err
    report = json.loads((market.folder / "flip.json").read_text())
    assert report["averaging"] == {"flip": True, "crops": 1}
    assert "vectors averaged over views" in done.out
    assert json.loads((market.run / "flip" / "report.json").read_text())["averaging"]["flip"]
    assert plain.read_bytes() == before
