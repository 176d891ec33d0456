"""Whether a bundle is what it says: its hashes, and a muddle that has to come out to the byte."""

import hashlib

from muddle.bundle.files import FORMAT, Bundle
from muddle.muddler import Muddler
from muddle.recipe import Recipe


def verify(bundle: Bundle) -> tuple[list[str], bool]:
    """Lines that say what a loaded bundle is, and whether its sample comes out as its card says.

    That every file has the hash in config.json, every tensor its shape and no other file is used, has been checked by
    loading it.
    """
    origin = bundle.origin
    lines = [
        f"bundle       {origin}",
        f"format       {FORMAT}",
        f"fingerprint  {bundle.fingerprint}",
        f"made with    {', '.join(f'{k} {v}' for k, v in bundle.provenance.items() if not isinstance(v, dict))}",
        *(f"{digest}  {name}" for name, digest in bundle.files.items()),
    ]
    if bundle.sample is None:
        return [*lines, "sample       none: this bundle is unfinished"], False
    image = Recipe.from_query(bundle.sample["query"]).make(Muddler(bundle)).image
    same = hashlib.sha256(image.tobytes()).hexdigest() == bundle.sample["sha256"]
    said = "as the card says, to the byte" if same else "NOT as the card says"
    return [*lines, f"sample       {bundle.sample['query']} comes out {said}"], same
