import torch

from muddle.networks.judges import KINDS, Ensemble, JudgeConfig
from train.run import Run
from train.stages.judge import SOFT, STEEP, assemble, grade_ensemble, load_teachers, names_of


def published():
    return [spec.build() for spec in (*SOFT, *STEEP) if spec.published]


def test_the_published_judges_are_those_of_the_shipped_bundle(muddler):
    assert [judge.config for judge in published()] == [judge.config for judge in muddler.bundle.judges.judges]
    assert {spec.name for spec in (*SOFT, *STEEP) if spec.published} == set(KINDS), "one of every kind"


def test_teachers_are_read_back_as_they_were_stored(tmp_path):
    torch.manual_seed(0)
    run = Run(out=tmp_path)
    teachers = assemble([spec.build() for spec in (*SOFT, *STEEP) if not spec.published])
    torch.save(teachers.state_dict(), run.work("judge") / "teachers.pt")
    loaded = load_teachers(run)
    assert not loaded.training
    assert [judge.config for judge in loaded.judges] == [judge.config for judge in teachers.judges]
    assert all(loaded.state_dict()[key].equal(value) for key, value in teachers.state_dict().items())


def test_an_ensemble_of_judges_gives_each_ones_probabilities():
    judges = published()[:2]
    ensemble = assemble(judges)
    assert isinstance(ensemble, Ensemble)
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(ensemble(images)[1], judges[1](images).softmax(1))


def test_the_last_grade_is_that_of_the_mean(muddler, digits):
    ensemble = assemble([judge.float() for judge in published()[:2]])
    grades = grade_ensemble(ensemble, digits)
    assert [grade["name"] for grade in grades] == ["pooled-10", "dense-128", "mean"]
    assert grades[2]["parameters"] == grades[0]["parameters"] + grades[1]["parameters"]


def test_judges_of_one_kind_and_width_are_told_apart():
    wide, dense = JudgeConfig("wide-kernel", 16), JudgeConfig("dense", 16)
    names = names_of([wide, dense, wide, wide])
    assert names == ["wide-kernel-16", "dense-16", "wide-kernel-16-2", "wide-kernel-16-3"]
