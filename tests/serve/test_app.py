"""The application as a whole, by its own description of itself."""

import pytest
import schemathesis
import served as servers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from served import TOKEN

SETTINGS = settings(
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server whose gallery may come to harm."""
    with servers.server(tmp_path_factory.mktemp("own")) as one:
        yield one


PATHS = {
    "/search": {"post"},
    "/images": {"get", "post"},
    "/images/{id}": {"delete"},
    "/images/{id}/thumbnail": {"get"},
    "/identities": {"patch"},
    "/identities/timeline": {"get"},
    "/gallery": {"get"},
    "/health": {"get"},
    "/metrics": {"get"},
}


def test_the_document(own):
    """Describes every endpoint, with words for each and for all that can go wrong; no page is drawn by foreign scripts."""
    document = own.ask("GET", "/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    assert {path: set(methods) for path, methods in document["paths"].items()} == PATHS
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert set(document["paths"]["/search"]["post"]["requestBody"]["content"]) == {
        "application/json",
        "application/octet-stream",
        "image/*",
        "multipart/form-data",
    }
    assert {"401", "413", "422", "429"} <= document["paths"]["/images"]["post"]["responses"].keys()
    assert [own.ask("GET", path).status for path in ("/docs", "/redoc")] == [404, 404]


def answers(own, examples):
    """How often each status came for requests as the document allows them, and as it does not."""
    schema = schemathesis.openapi.from_dict(own.ask("GET", "/openapi.json").json())
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    counts: dict[int, int] = {}

    def send(case):
        answer = case.call(base_url=f"http://127.0.0.1:{own.port}", headers={"Authorization": f"Bearer {TOKEN}"})
        counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, answer.text

    for operation in schema.get_all_operations():
        for mode in modes:
            strategy = operation.ok().as_strategy(generation_mode=mode)
            try:
                settings(SETTINGS, max_examples=examples)(given(case=strategy)(lambda case: send(case)))()  # noqa: PLW0108
            except Unsatisfiable:  # nothing can be wrong with a request without parameters
                continue
    return counts


def test_what_the_document_allows_and_what_it_does_not(own):
    """No request makes the server fail."""
    counts = answers(own, 2)

    assert sum(counts.values()) > 15
    assert {200, 422} <= counts.keys()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ten_thousand(own):
    """The same with ten thousand requests."""
    assert sum(answers(own, 900).values()) > 9_000
