import torch

from muddle.networks.surrogate import Prediction, Surrogate, SurrogateConfig

CODES = torch.randn(2, 5, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def surrogate():
    torch.manual_seed(0)
    return Surrogate(SurrogateConfig(teachers=3, width=16)).double()


def test_a_prediction_has_the_logits_of_every_teacher_those_without_faint_ink_likeness_and_grey_share():
    network = surrogate()
    found = network(CODES)
    assert [tuple(column.shape) for column in found] == [(2, 5, 4, 10), (2, 5), (2, 5)]
    assert found.teachers.equal(found.logits[..., :3, :])
    with torch.no_grad():  # the order in which they are stored
        network.net[-1].bias += torch.arange(42)
    raised = network(CODES)
    for column, by in zip(Prediction._fields, (torch.arange(40).reshape(4, 10), 40, 41), strict=True):
        torch.testing.assert_close(getattr(raised, column), getattr(found, column) + by)


def test_the_vjp_in_closed_form_is_the_one_of_torch():
    network = surrogate()
    found, vjp = network.with_vjp(CODES)
    expected, torch_vjp = torch.func.vjp(network, CODES)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    grad = Prediction(*(torch.randn_like(column) for column in found))
    torch.testing.assert_close(vjp(grad), torch_vjp(grad)[0])


def test_the_scout_is_a_small_network_of_its_own():
    network = surrogate()
    assert network.scout(CODES).shape == (2, 5, 10)
    before = network(CODES)
    with torch.no_grad():
        network.scout[-1].bias += 1
    for one, other in zip(before, network(CODES), strict=True):
        torch.testing.assert_close(one, other)
