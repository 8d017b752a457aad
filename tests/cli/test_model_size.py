"""What a dry run says of the model's size."""

from types import SimpleNamespace

from reid.cli.model_size import model_sizes, sizes_lines
from reid.model.divide import DivideAndConquer
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.losses import build_loss


def test_parts_add_up_to_the_model():
    """Backbone, pooling, layer and neck; what the loss learns is counted apart."""
    network = EmbeddingNetwork(Architecture("small-cnn", 16, 2, pooling="generalised-mean", neck="batchnorm"))
    criterion = DivideAndConquer(build_loss({"name": "softmax"}, classes=5, dimension=16), dimension=16, learners=2)
    plan = SimpleNamespace(
        learning=SimpleNamespace(network=network, criterion=criterion), description=SimpleNamespace(image_size=(48, 48))
    )
    sizes = model_sizes(plan)
    first, second = sizes_lines(sizes)

    assert sizes["parameters_of"] == {
        "backbone": 390_432, "pooling": 1, "embedding layer": 256 * 16 + 16, "neck": 32,
    }  # fmt: skip
    assert sizes["parameters"] == sum(sizes["parameters_of"].values())
    assert sizes["loss_parameters"] == 5 * 16
    assert first.startswith(
        "parameters: backbone 390,432, pooling 1, embedding layer 4,112, neck 32; and 80 of the loss"
    )
    assert second.startswith("to compute for a picture: 17.3 M multiply-adds (34.6 MFLOPs)")
    assert sizes_lines({**sizes, "multiply_adds": 4_089_000_000})[1].startswith("to compute for a picture: 4.09 G mul")
