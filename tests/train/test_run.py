from train.run import QUICK, SEED_OFFSETS, Run, RunSize
from train.stages.exemplars import EXAMINERS
from train.stages.judge import SOFT, STEEP
from train.stages.panel import PANEL
from train.stages.reference import MEMBERS


def test_no_two_trainings_of_a_run_share_a_seed():
    networks = {"soft judges": SOFT, "steep judges": STEEP, "examiners": EXAMINERS, "panel": PANEL}
    counts = {name: len(networks.get(name, [None])) for name in SEED_OFFSETS} | {"references": MEMBERS}
    seeds = [Run(seed=5).seed_of(name, number) for name, count in counts.items() for number in range(count)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) == 5


def test_the_seeds_are_those_of_the_published_bundle():
    assert SEED_OFFSETS == {
        "autoencoder": 0,
        "soft judges": 100,
        "steep judges": 200,
        "likeness": 300,
        "examiners": 500,
        "references": 600,
        "surrogate": 700,
        "projection": 800,
        "inverse": 1000,
        "panel": 900,
        "sealed panel": 1300,
        "student": 1200,
    }


def test_classifiers_are_never_trained_on_the_images_they_are_calibrated_on(few_digits):
    run = Run(source="mnist-5k", size=RunSize(held_out=300))
    train, held_out = run.split_for_classifiers()
    assert (len(train), len(held_out)) == (500, 300)
    both = [image.numpy().tobytes() for part in (train, held_out) for image in part.images]
    assert sorted(both) == sorted(image.numpy().tobytes() for image in run.digits(train=True).images)


def test_the_split_depends_on_the_seed_alone(few_digits):
    first, same, other = (
        Run(source="mnist-5k", seed=seed, size=QUICK).split_for_classifiers()[1].images for seed in (0, 0, 1)
    )
    assert first.equal(same)
    assert not first.equal(other)


def test_a_schedule_has_an_epoch_at_least_and_a_classifiers_is_scaled():
    run = Run(size=RunSize(epochs_scale=0.25))
    assert run.schedule(0, 3).epochs == 1
    assert run.classifier_schedule(8, 3).epochs == 2
    assert run.classifier_schedule(1, 3).epochs == 1
    assert (run.schedule(4, 3, batch=7).batch, run.schedule(4, 3).seed) == (7, 3)


def test_a_run_writes_nowhere_but_under_its_folder(tmp_path):
    run = Run(out=tmp_path / "run")
    assert run.work("judge/soft-0").is_dir()
    assert run.bundle.is_relative_to(run.out)
    assert run.work("judge").is_relative_to(run.out)
