"""Prints what the model card claims about the languages, from the saved folders.

python -m training.small_texts.measure --photos PHOTOS/caltech101
"""

import random
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image

from encoders.small_texts.tower import small_texts
from training.small.captions import CLASSES
from training.small.measure import SmallClip
from training.small_texts.captions import DRAWN, class_prompts

LANGUAGES = ("English", "Korean", "Traditional Chinese")
CAPTIONS = 1000
SEED = 1_000_003  # never trained on


def main(
    photos: Annotated[Path, typer.Option(help="Folder with a `validation` folder of class folders.")],
    part: Annotated[str, typer.Option(help="Which folder of photos.")] = "validation",
) -> None:
    clip, tower = SmallClip(), small_texts()
    prompts = dict(zip(LANGUAGES, zip(*class_prompts(), strict=True), strict=True))
    found = [(path, label) for label, name in enumerate(CLASSES) for path in sorted((photos / part / name).iterdir())]
    vectors = clip.images(Image.open(path) for path, _ in found)
    truth = torch.tensor([label for _, label in found])
    before = (vectors @ clip.texts(list(prompts["English"])).T).argmax(1)
    print(f"{len(found)} photos; English by the small CLIP's own text tower: right {share(before == truth)}")
    for language, texts in prompts.items():
        guess = (vectors @ torch.from_numpy(tower.encode(list(texts))).T).argmax(1)
        print(f"{language}: right {share(guess == truth)}, the same class as that {share(guess == before)}")
    print_drawn(clip)


def print_drawn(clip: SmallClip) -> None:
    """Prints how close captions of unseen drawn pictures are to the vectors of their English captions."""
    rng, tower = random.Random(SEED), small_texts()
    captions = list(
        {caption.english: caption for caption in (rng.choice(DRAWN)(rng) for _ in range(CAPTIONS))}.values()
    )
    english, *others = zip(*captions, strict=True)
    aims = clip.texts(list(english))
    for language, texts in zip(LANGUAGES[1:], others, strict=True):
        scores = torch.from_numpy(tower.encode(list(texts))) @ aims.T
        right = scores.argmax(1) == torch.arange(len(captions))
        print(f"{language}, {len(captions)} captions of drawn pictures: nearest to their own English {share(right)}")


def share(right: torch.Tensor) -> str:
    return f"{right.float().mean().item():.1%}"


if __name__ == "__main__":
    typer.run(main)
