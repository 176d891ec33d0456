"""Verify a bundle: its hashes, and a muddle that must come out to the byte."""

import hashlib

from muddle.bundle.files import FORMAT, Bundle
from muddle.muddler import Muddler
from muddle.recipe import Recipe


def verify(bundle: Bundle) -> tuple[list[str], bool]:
    """Lines that describe a loaded bundle, and whether its sample comes out as its card says.

    Loading it has already checked that every file has the hash in config.json and every tensor its shape.
    """
    lines = [
        f"bundle       {bundle.origin}",
        f"format       {FORMAT}",
        f"fingerprint  {bundle.fingerprint}",
        f"made with    {', '.join(f'{k} {v}' for k, v in bundle.provenance.items() if not isinstance(v, dict))}",
        *(f"{digest}  {name}" for name, digest in bundle.files.items()),
    ]
    if bundle.sample is None:
        return [*lines, "sample       none: this bundle is unfinished"], False
    image = Muddler(bundle).make([Recipe.from_query(bundle.sample["query"])])[0].image
    same = hashlib.sha256(image.tobytes()).hexdigest() == bundle.sample["sha256"]
    verdict = "as the card says, to the byte" if same else "NOT as the card says"
    return [*lines, f"sample       {bundle.sample['query']} comes out {verdict}"], same
