import pytest

from muddle.bundle import hub
from muddle.bundle.files import EMBEDDED, load_bundle
from muddle.bundle.resolve import resolve_bundle
from muddle.errors import BundleError, HubError
from muddle.result import Origin

REPO, COMMIT = "somebody/mnist-muddle", "c0ffee" * 6 + "abcd"


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch):
    for name in ("MUDDLE_REPO", "MUDDLE_REVISION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fetched(monkeypatch):
    """The arguments of every fetch, which gives the embedded bundle."""
    calls = []

    def fetch(repo, revision=None, **options):
        calls.append((repo, revision, *options.items()))
        return EMBEDDED

    monkeypatch.setattr(hub, "fetch", fetch)
    return calls


@pytest.fixture
def offline(monkeypatch):
    def fetch(repo, revision=None, **options):
        raise HubError(repo, "the Hub did not answer", "Try again later.")

    monkeypatch.setattr(hub, "fetch", fetch)


def test_without_a_source_it_is_the_embedded_bundle(fetched):
    bundle = resolve_bundle()
    assert bundle.origin == Origin("embedded")
    assert bundle.fingerprint == load_bundle(EMBEDDED).fingerprint
    assert not fetched


def test_a_folder_is_read_where_it_is(fetched, bundle_copy):
    assert resolve_bundle(bundle_copy).origin == Origin(str(bundle_copy))
    assert resolve_bundle(str(bundle_copy)).origin == Origin(str(bundle_copy))
    assert not fetched


def test_a_repository_is_fetched_at_its_revision(fetched, monkeypatch):
    assert resolve_bundle(REPO).origin == Origin(REPO)
    assert resolve_bundle(REPO, "v1").origin == Origin(REPO, "v1")
    assert fetched == [(REPO, None), (REPO, "v1")]
    resolve_bundle(REPO, token="hf_x")
    assert fetched.pop() == (REPO, None, ("token", "hf_x"))
    monkeypatch.setattr(hub, "revision_of", lambda folder: COMMIT)
    assert resolve_bundle(REPO, "v1").origin == Origin(REPO, COMMIT), "the commit says more than a tag"


def test_the_environment_names_repository_and_revision(fetched, monkeypatch):
    monkeypatch.setenv("MUDDLE_REPO", f" {REPO} ")
    assert resolve_bundle().origin == Origin(REPO)
    monkeypatch.setenv("MUDDLE_REVISION", "v1")
    assert resolve_bundle().origin == Origin(REPO, "v1")
    assert fetched == [(REPO, None), (REPO, "v1")]
    assert resolve_bundle(EMBEDDED).origin.name == str(EMBEDDED), "a source that is named comes first"


@pytest.mark.parametrize("source", [REPO, "nowhere", "./nowhere/at-all", "/nowhere/at-all"])
def test_when_the_environments_bundle_cannot_be_had_the_embedded_one_serves_and_says_why(offline, monkeypatch, source):
    monkeypatch.setenv("MUDDLE_REPO", source)
    bundle = resolve_bundle()
    assert bundle.origin.name == "embedded"
    assert bundle.origin.revision is None
    assert bundle.origin.note.startswith(source)
    assert "\n" not in bundle.origin.note
    assert bundle.fingerprint == load_bundle(EMBEDDED).fingerprint


def test_a_named_repository_that_cannot_be_had_is_an_error(offline):
    with pytest.raises(HubError) as caught:
        resolve_bundle(REPO)
    assert caught.value.repo == REPO


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "a/b/c", "~/b", "/a"])
def test_a_folder_that_is_not_there_is_an_error_and_no_repository(fetched, name):
    with pytest.raises(BundleError) as caught:
        resolve_bundle(name)
    assert caught.value.code == "bad-bundle"
    assert not fetched


def test_a_spoilt_copy_is_refused_and_forgotten(bundle_copy, monkeypatch):
    (bundle_copy / "report.json").write_text("<html>Please log in</html>")
    monkeypatch.setattr(hub, "fetch", lambda repo, revision=None: bundle_copy)
    with pytest.raises(BundleError):
        resolve_bundle(REPO)
    assert not bundle_copy.exists()


def test_a_users_own_folder_is_never_deleted(bundle_copy):
    (bundle_copy / "report.json").write_text("<html>Please log in</html>")
    with pytest.raises(BundleError):
        resolve_bundle(bundle_copy)
    assert (bundle_copy / "report.json").exists()
