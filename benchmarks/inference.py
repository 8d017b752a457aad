"""Images a second, and milliseconds for one image, of a trained model in all the forms in which it can be deployed.

    python benchmarks/inference.py [--case small-cnn|resnet18|resnet50] [--rounds 15] [--threads N]

Everything gets the same uint8 pictures and gives vectors in float32, by the same call (`pictures` of a model of
`reid.embed`), so the way from bytes to the network's input is part of every figure. The forms run in turns, in another
order each round, and each is compared with torch in float32 in the same round, for the machine's speed may double within
a minute; the median of the ratios counts. Weights are random, which changes no time; int8 takes its scales from these
pictures.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from reid.data.loader import available_cores
from reid.embed import TorchModel
from reid.embed.onnx import as_input, open_model
from reid.export.quantising import to_int8
from reid.export.tracing import to_onnx
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.onnx_file import FLOAT32, INSIDE, INT8, Exported, pack
from reid.model.store import Description
from reid.rng import generator

CASES = {"small-cnn": (64, 64), "resnet18": (128, 128), "resnet50": (256, 128)}
REFERENCE = "torch fp32"
LATENCIES = 5  # single images in a round


def main() -> None:
    parser = argparse.ArgumentParser(description="Images a second of a model in every form.")
    parser.add_argument("--case", choices=list(CASES), help="only this one")
    parser.add_argument("--rounds", type=int, default=15, help="of all forms")
    parser.add_argument("--threads", type=int, help="that compute, instead of OMP_NUM_THREADS or all cores")
    given = parser.parse_args()
    threads = given.threads or torch.get_num_threads()
    for case in [given.case] if given.case else list(CASES):
        report(case, CASES[case], given.rounds, threads)


def report(case: str, size: tuple[int, int], rounds: int, threads: int) -> None:
    torch.set_num_threads(threads)
    pictures = generator(0, "pictures of a benchmark").integers(0, 256, (32, *size, 3), dtype=np.uint8)
    forms = dict(models(case, size, pictures, threads))
    print(f"{case} at {size[0]} x {size[1]}, {threads} of {available_cores()} cores, {rounds} rounds")
    print("  form          batch 32       ratio (quartiles)     batch 1        ratio    p50, p99 of one image")
    many: dict[str, list[float]] = {name: [] for name in forms}
    single: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(rounds + 1):  # the first is not counted
        names = list(forms)[number % len(forms) :] + list(forms)[: number % len(forms)]
        for name in names:
            seconds = timed(forms[name], pictures)
            ones = [timed(forms[name], pictures[place : place + 1]) for place in range(LATENCIES)]
            if number:
                many[name].append(seconds)
                single[name] += ones
    for name in forms:
        low, middle, high = np.quantile(np.array(many[REFERENCE]) / many[name], [0.25, 0.5, 0.75])
        by_round = [np.median(np.reshape(single[key], (rounds, LATENCIES)), axis=1) for key in (REFERENCE, name)]
        p50, p99 = 1000 * np.quantile(single[name], [0.5, 0.99])
        print(
            f"  {name:12} {32 / np.median(many[name]):7.0f} /s   {middle:6.2f} ({low:.2f} to {high:.2f})   "
            f"{1000 / p50:7.0f} /s   {np.median(by_round[0] / by_round[1]):6.2f}    {p50:8.2f} ms {p99:8.2f} ms"
        )


def models(
    case: str, size: tuple[int, int], pictures: np.ndarray, threads: int
) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    torch.manual_seed(0)
    network = EmbeddingNetwork(Architecture(case, 128, 8)).eval().to(memory_format=torch.channels_last)
    description = Description(network.architecture, size, "resize", "area", "vehicle", "none")
    plain = TorchModel(network, description, "", torch.device("cpu"))
    yield REFERENCE, plain.pictures
    yield "torch bf16", TorchModel(network, description, "", torch.device("cpu"), torch.bfloat16).pictures
    compiled = torch.compile(network, dynamic=False)

    def by_compiled(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            found: np.ndarray = compiled(torch.from_numpy(batch)).numpy()
        return found

    for count in (1, 32):
        wanted = plain.pictures(pictures[:count])
        np.testing.assert_allclose(by_compiled(pictures[:count]), wanted, atol=1e-5)
    yield "compiled", by_compiled
    content = to_onnx(network, size)
    for name, precision in (("ONNX fp32", FLOAT32), ("ONNX int8", INT8)):
        about = Exported(description, "", "", INSIDE, precision, "")
        body = content if precision == FLOAT32 else to_int8(content, [as_input(pictures, about)])
        yield name, open_model(pack(body, about), about, Path(name), device="cpu", threads=threads).pictures


def timed(form: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> float:
    started = time.perf_counter()
    form(batch)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
