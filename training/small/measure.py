"""Prints what the model card claims, from the saved folder, through transformers alone.

python -m training.small.measure --photos PHOTOS/caltech101
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated

import torch
import typer
from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

from encoders.model_folders import SMALL_FOLDER
from library.samples.pictures import draw
from training.small.captions import CLASSES, fixed_prompt, with_article

PHRASINGS = ("{name}", "{a}", "a photo of {a}", "a picture of an old {name}", "my {name} on the table")


class SmallClip:
    """Encodes pictures and texts to unit vectors with the two towers."""

    def __init__(self, folder: Path = SMALL_FOLDER) -> None:
        self.model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.processor = CLIPImageProcessorPil.from_pretrained(folder)

    @torch.no_grad()
    def images(self, pictures: Iterable[Image.Image]) -> Tensor:
        vectors, rest = [], iter(pictures)
        while some := list(islice(rest, 64)):
            pixels = self.processor([picture.convert("RGB") for picture in some], return_tensors="pt")
            vectors.append(unit(self.model.get_image_features(**pixels).pooler_output))
        return torch.cat(vectors)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> Tensor:
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        return unit(self.model.get_text_features(**tokens).pooler_output)


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def main(
    photos: Annotated[Path, typer.Option(help="Folder with a `validation` folder of class folders.")],
    model: Annotated[Path, typer.Option(help="The saved model.")] = SMALL_FOLDER,
    part: Annotated[str, typer.Option(help="Which folder of photos.")] = "validation",
) -> None:
    clip = SmallClip(model)
    print_photos(clip, photos / part)
    print_drawn(clip)


def print_photos(clip: SmallClip, folder: Path) -> None:
    names = list(CLASSES)
    paths = [(path, label) for label, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    labels = torch.tensor([label for _, label in paths])
    vectors = clip.images(Image.open(path) for path, _ in paths)
    ranked = (vectors @ clip.texts([fixed_prompt(name) for name in names]).T).argsort(1, descending=True)
    right = ranked == labels[:, None]
    print(f"{len(paths)} photos of {len(names)} classes in {folder.name}")
    print(f"class prompt, top-1            {share(right[:, 0])}")
    print(f"class prompt, top-5            {share(right[:, :5].any(1))}")
    each = torch.stack([right[labels == label, 0].float().mean() for label in range(len(names))])
    print(f"class prompt, mean of classes  {share(each)}")
    print(f"image to image, top-1          {share(labels[nearest_other(vectors)] == labels)}")
    for phrasing in PHRASINGS:
        texts = [phrasing.format(a=with_article(CLASSES[n][0]), name=CLASSES[n][0]) for n in names]
        best = (vectors @ clip.texts(texts).T).argmax(1)
        print(f"  said as {phrasing!r:34} {share(best == labels)}")
    # A query finds photos, so also the other way round: is the first photo found the right kind?
    first = (clip.texts([fixed_prompt(name) for name in names]) @ vectors.T).argmax(1)
    print(f"first photo found by prompt    {share(labels[first] == torch.arange(len(names)))}")


def nearest_other(vectors: Tensor) -> Tensor:
    """Returns, for each picture, the one most like it, itself left out."""
    scores = vectors @ vectors.T
    return scores.fill_diagonal_(-2).argmax(1)


def print_drawn(clip: SmallClip, count: int = 1000, seed: int = 987_654) -> None:
    """Prints how many drawn pictures find their exact caption among those of all others."""
    rng = Random(seed)
    samples = [draw(rng, 224) for _ in range(count)]
    captions = sorted({sample.captions[0] for sample in samples})
    scores = clip.images(sample.image for sample in samples) @ clip.texts(captions).T
    ranked = [[captions[i] for i in row] for row in scores.topk(5).indices.tolist()]
    first = [row[0] == sample.captions[0] for row, sample in zip(ranked, samples, strict=True)]
    five = [sample.captions[0] in row for row, sample in zip(ranked, samples, strict=True)]
    print(f"{count} drawn pictures, {len(captions)} captions")
    print(f"own caption, top-1             {share(torch.tensor(first))}")
    print(f"own caption, top-5             {share(torch.tensor(five))}")


def share(right: Tensor) -> str:
    return f"{right.float().mean() * 100:5.1f}%"


if __name__ == "__main__":
    typer.run(main)
