import json
import subprocess
import sys
import time

import pytest
import trees

from reid import shipped
from reid.cli import data


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs reid-data in an empty folder and returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REID_DATA", raising=False)
    monkeypatch.delenv("FASTREID_DATASETS", raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["reid-data", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            data.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


def test_list_names_every_card(command):
    """A line per dataset, and all that the cards say as JSON."""
    code, out, _ = command("list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == shipped.names("datasets")
    assert "13,164/113,346" in out
    assert [card["name"] for card in json.loads(command("list", "--json", "-")[1])] == shipped.names("datasets")


def test_show_says_how_to_get_it_and_whether_it_is_here(command, tmp_path):
    """By alias; the folder is found below data/."""
    code, out, _ = command("show", "VehicleID")

    assert code == 0
    assert "pkuml.org" in out
    assert "train_list.txt" in out
    assert "113,346" in out
    assert "on this machine: not found" in out
    (tmp_path / "data" / "vehicleid").mkdir(parents=True)
    assert "on this machine: data/vehicleid" in command("show", "vid")[1]
    assert json.loads(command("show", "vid", "--json", "-")[1])["here"] == "data/vehicleid"


def test_show_of_an_unknown_name_is_a_configuration_mistake(command):
    """78, with the nearest name."""
    code, out, err = command("show", "marke1501")

    assert (code, out) == (78, "")
    assert "did you mean 'market1501'?" in err


def test_show_draws_a_contact_sheet(command, tmp_path):
    """Into the file that is named, which is printed."""
    trees.TREES["market1501"](tmp_path / "set")
    code, out, err = command("show", "market1501", "--root", "set", "--figure", "sheet.png")

    assert (code, out) == (0, "sheet.png\n"), err
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", sorted(trees.TREES))
def test_check_counts_every_layout(command, tmp_path, name):
    """The table on the screen and the JSON have the tree's numbers; other counts than the card's warn."""
    trees.TREES[name](tmp_path / "set")

    code, out, _ = command("check", name, "--root", "set", "--json", "found.json")

    found = json.loads((tmp_path / "found.json").read_text())
    numbers = {part: (n["identities"], n["images"], n["cameras"]) for part, n in found["splits"].items()}
    assert code == 0
    assert numbers == trees.NUMBERS[name]
    assert found["name"] == name
    assert bool(found["problems"]) == (name not in {"folder", "table"})
    for part, (identities, images, _) in trees.NUMBERS[name].items():
        assert any(line.split()[:3] == [part, str(identities), str(images)] for line in out.splitlines())


def test_check_is_strict_when_asked(command, tmp_path):
    """65 if the numbers differ from the card's, after the report."""
    trees.market(tmp_path / "set")

    code, out, err = command("check", "market", "--root", "set", "--strict")

    assert code == 65
    assert "the card says 751 identities" in out
    assert "problems with set" in err


def test_check_of_images_names_every_bad_one(command, tmp_path):
    """65, whatever else is well; a reason stands beside each."""
    trees.folder(tmp_path / "set")
    bad = [tmp_path / "set" / "train" / "a" / "0.png", tmp_path / "set" / "test" / "d" / "2.png"]
    bad[0].write_bytes(b"")
    bad[1].write_bytes(bad[1].read_bytes()[:100])

    code, out, err = command("check", "folder", "--root", "set", "--images")

    assert code == 65
    assert "bad images: 2" in out
    assert "set/train/a/0.png: " in out
    assert "set/test/d/2.png: " in out
    assert "2 images cannot be used" in err
    assert command("check", "folder", "--root", "set")[0] == 0


def test_check_of_images_that_are_well(command, tmp_path):
    """0, and the report says so."""
    trees.folder(tmp_path / "set")

    code, out, _ = command("check", "folder", "--root", "set", "--images", "--strict")

    assert code == 0
    assert "bad images: none" in out
    assert "problems: none" in out


def test_check_of_a_missing_dataset_is_missing_input(command):
    """66, with source and tree."""
    code, out, err = command("check", "inshop")

    assert (code, out) == (66, "")
    assert "data/inshop" in err
    assert "list_eval_partition.txt" in err


def test_synth_draws_a_set_that_check_accepts(command, tmp_path):
    """What is drawn in a layout is read back with the numbers asked for."""
    code, out, _ = command(
        "synth",
        "set",
        "--layout",
        "vehicleid",
        "--identities",
        8,
        "--images-per-identity",
        3,
        "--seed",
        5,
        "--cameras",
        2,
    )

    assert code == 0
    assert "drew 24 images of 8 identities into set" in out
    found = json.loads(command("check", "vid", "--root", "set", "--images", "--json", "-")[1])
    assert found["splits"]["train"]["images"] + found["splits"]["large"]["images"] == 24
    assert found["bad_images"] == {}


def test_synth_refuses_to_overwrite(command, tmp_path):
    """73 for a folder that holds something."""
    trees.folder(tmp_path / "set")

    code, _, err = command("synth", "set", "--identities", 4, "--images-per-identity", 2)

    assert code == 73
    assert "set exists already" in err


@pytest.mark.parametrize(
    "arguments", [("synth",), ("synth", "x", "--identities", "1"), ("check",), ("sow",), ("check", "vid", "--fast")]
)
def test_wrong_use_is_2(command, arguments):
    """Usage errors name the option."""
    assert command(*arguments)[0] == 2


def test_help_comes_at_once_and_pipes_are_plain():
    """No slow import for --help; no control codes into a pipe; a reader that has seen enough is no error."""
    start = time.perf_counter()
    text = subprocess.run([sys.executable, "-m", "reid.cli.data", "--help"], capture_output=True, check=True).stdout
    seconds = time.perf_counter() - start

    assert b"check" in text
    assert b"\x1b" not in text
    assert seconds < 2.0  # 0.3 s on a quiet machine; the bound leaves room for a busy one
    script = "import sys; import reid.cli.data; print([name for name in ('torch', 'pydantic', 'scipy', 'cv2') if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    assert loaded.strip() == "[]"
