"""The rules of the house, read from the source: who may know whom, and what stands nowhere."""

import ast
import graphlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [  # a module imports from floors before its own, and from its own package
    {"errors"},
    {"text"},
    {"files"},
    {"rng", "shipped", "strict_yaml"},
    {"records", "config"},
    {"distances"},
    {"data", "evaluation", "rerank"},
    {"model", "acceleration"},
    {"embed"},
    {"train", "gallery", "report", "export"},
    {"serve"},
    {"cli"},
]
FLOOR = {unit: height for height, units in enumerate(FLOORS) for unit in units}
SLOW = {
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "matplotlib",
    "faiss",
    "numba",
    "sklearn",
    "pytorch_metric_learning",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pymilvus",
    "grpc",
    "fastapi",
    "uvicorn",
}
WRITERS = {  # who writes files otherwise than through reid.files, and why that is safe
    "reid/records/embeddings.py": "into a folder that is put in place as a whole",
    "reid/data/synthetic/processes.py": "into a folder that is put in place as a whole",
    "reid/data/synthetic/write.py": "into a folder that is put in place as a whole",
    "reid/train/run_log.py": "the log grows line by line, and losing it stops nothing",
    "reid/train/tensorboard.py": "curves grow point by point, and losing them stops nothing",
}
SOURCES = sorted((ROOT / "reid").rglob("*.py"))
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
MODULES = {name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name for name in TREES}


def report(offenders: list[str]) -> None:
    """Fail with all offenders at once."""
    assert not offenders, "\n" + "\n".join(offenders)


def imports(tree: ast.AST, *, within_functions: bool = True) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported; of `from a import b` it is a.b where that is a module of ours."""
    for node in ast.walk(tree) if within_functions else outside_functions(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in MODULES or base == "reid" or not base.startswith("reid") else base


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from outside_functions(node)


def test_floors() -> None:
    """Imports go down, or stay in the package; siblings do not know each other; nobody imports the command line."""
    found = []
    for name, tree in TREES.items():
        own = name.removesuffix(".py").split("/")[1]
        for line, imported in imports(tree):
            unit = imported.split(".")[1] if imported.startswith("reid.") else None
            if imported.startswith("."):
                found.append(f"{name}:{line} imports {imported}: write the full name")
            elif own == "__init__" and unit == "cli":
                found.append(f"{name}:{line} imports {imported}: nobody imports the command line")
            elif imported == "reid" or (unit is not None and unit not in FLOOR):
                found.append(f"{name}:{line} imports {imported}, which has no floor in {Path(__file__).name}")
            elif own != "__init__" and unit not in {None, own} and FLOOR[unit] >= FLOOR[own]:
                found.append(f"{name}:{line} imports {imported}, which is not on a lower floor")
    report(found)


def test_no_cycles() -> None:
    """Modules can be read, and are imported, from the bottom to the top."""
    graph = {}
    for module, name in MODULES.items():
        direct = {imported for _, imported in imports(TREES[name], within_functions=False) if imported in MODULES}
        graph[module] = {other for other in direct if not module.startswith(f"{other}.")}  # a package holds its modules
    graphlib.TopologicalSorter(graph).prepare()


def test_heavy_libraries_stay_where_they_belong() -> None:
    """Scores need no torch; one file knows albumentations; a PNG decoder that crashes is never called."""
    found, albumentations = [], set()
    for name, tree in TREES.items():
        for line, imported in imports(tree):
            if name.startswith(("reid/distances/", "reid/evaluation/", "reid/rerank/")) and imported.split(".")[
                0
            ] in SLOW - {"faiss", "numba", "sklearn"}:
                found.append(f"{name}:{line} imports {imported}")
            if imported.startswith(("torchvision.io", "torchvision.datasets")):
                found.append(f"{name}:{line} imports {imported}")
            if imported.split(".")[0] == "albumentations":
                albumentations.add(name)
    report(found)
    assert albumentations == {"reid/data/transforms.py"}


def test_commands_start_without_slow_imports() -> None:
    """`--help` and wrong usage are answered at once: slow libraries are imported where they are needed."""
    scripts = importlib.metadata.entry_points(group="console_scripts")
    modules = sorted({script.module for script in scripts if script.module.startswith("reid.cli.")} | {"reid"})
    script = f"import sys, {', '.join(modules)}; print(*({SLOW!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert len(modules) > 3
    assert done.stdout.split() == []


def test_what_stands_nowhere() -> None:
    """No assert for user errors, no print, no global random generator, no way to write half a file."""
    found = []
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            text = ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""
            if isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "print"):
                found.append(f"{name}:{node.lineno} {ast.unparse(node)[:60]}")
            if text.startswith(("np.random.", "numpy.random.")) and text.split(".")[2] not in {"Generator", "Philox"}:
                found.append(f"{name}:{node.lineno} {text}: draw from reid.rng")
            if (
                isinstance(node, ast.Call)
                and writes(node)
                and not name.startswith("reid/files/")
                and name not in WRITERS
            ):
                found.append(f"{name}:{node.lineno} {ast.unparse(node)[:60]}: write through reid.files")
        found += [
            f"{name}:{line} imports {module}"
            for line, module in imports(tree)
            if module in {"random", "numpy.random", "pickle"}
        ]
    report(found)


def writes(call: ast.Call) -> bool:
    """Whether a call opens a file for writing, or writes one."""
    function = ast.unparse(call.func)
    modes = [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    opens = function.split(".")[-1] == "open" and any(set(mode) <= set("wxabt+") for mode in modes)
    return opens or (
        function.endswith((".write_text", ".write_bytes", ".imwrite")) and not function.startswith("files.")
    )


def test_sizes() -> None:
    """A function is seen at once (60 lines without its docstring), a file is read in one sitting (250 lines)."""
    found = [f"{name}: {lines} lines" for name in TREES if (lines := (ROOT / name).read_text().count("\n")) > 250]
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                docstring = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
                length = (node.end_lineno or 0) - node.lineno + 1 - docstring
                if length > 60:
                    found.append(f"{name}:{node.lineno} {node.name}: {length} lines")
    report(found)


def public(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """The public classes and functions in a module or class, with their methods."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            not child.name.startswith("_") or child.name == "__call__"
        ):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def test_everything_public_is_documented() -> None:
    """Every module, class, function and method that has no underscore says what it is."""
    found = [name for name, tree in TREES.items() if not ast.get_docstring(tree)]
    for name, tree in TREES.items():
        found += [f"{name}: {path}" for path, node in public(tree, "") if not ast.get_docstring(node)]  # type: ignore[arg-type]
    report(found)


def test_every_module_has_its_tests() -> None:
    """reid/a/b.py <-> tests/a/test_b.py, both ways; a package's own file needs none while it only imports."""
    expected = {}
    for name, tree in TREES.items():
        path = Path(name)
        if path.name != "__init__.py":
            expected[(path.parent.relative_to("reid") / f"test_{path.name}").as_posix()] = name
        elif any(
            isinstance(node, (ast.FunctionDef, ast.ClassDef)) and "Protocol" not in ast.unparse(node)
            for node in tree.body
        ):
            expected[(path.parent.parent / f"test_{path.parent.name}.py").as_posix().removeprefix("reid/")] = name
    present = {path.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    own = {"test_architecture.py", "test_commands_in_docs.py", "test_docs.py", "test_examples.py", "test_packaging.py"}
    strangers = {path for path in present if not path.startswith(("faults/", "tools/"))} - expected.keys() - own

    report(
        [f"{expected[path]} has no tests/{path}" for path in sorted(expected.keys() - present)]
        + [f"tests/{path} tests no module" for path in sorted(strangers)]
    )


@pytest.mark.parametrize("folder", ["reid", "tests", "configs", "datasets", "docs", "tools", "benchmarks", "examples"])
def test_no_file_names_this_machine(folder: str) -> None:
    """Paths of one machine and unfinished business stay out."""
    words = ["/" + "work/", "TO" + "DO", "FIX" + "ME"]
    report(
        [
            f"{path.relative_to(ROOT)}: {word}"
            for path in sorted((ROOT / folder).rglob("*"))
            if path.suffix in {".py", ".yaml", ".md"}
            for word in words
            if word in path.read_text(encoding="utf-8")
        ]
    )
