"""Trains the bundled small CLIP from nothing: first a convolutional teacher, then the CLIP with its help.

python -m training.small.train --photos PHOTOS/caltech101 --minutes 60 --out encoders/small
"""

import random
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from transformers import CLIPModel, PreTrainedTokenizerFast

from training.small.captions import CLASSES, GROUPS, class_caption, group_caption
from training.small.generated import Generated, generated_pictures
from training.small.model import SIZE, new_model, new_processor, new_tokenizer
from training.small.photos import Photos, read_photos, resized, split
from training.small.student import Course, class_vectors, image_vectors, train_student
from training.small.teacher import Teacher, train_teacher

MARGIN = SIZE // 8  # photos are kept a little larger than the views cut from them
TEACHER_SHARE = 0.22  # of the minutes


def main(
    photos: Annotated[Path, typer.Option(help="Folder with a `train` folder of class folders.")],
    out: Annotated[Path, typer.Option(help="Where the model is written.")],
    minutes: Annotated[float, typer.Option(help="Training time, teacher included.")] = 60,
    seed: int = 0,
    held_out: Annotated[float, typer.Option(help="Part of `train` kept away to choose between settings.")] = 0.0,
    teacher: Annotated[Path | None, typer.Option(help="Read the trained teacher here, or leave it here.")] = None,
    drawn: Annotated[int, typer.Option(help="How many pictures to draw.")] = 8000,
) -> None:
    torch.manual_seed(seed)
    all_photos = read_photos(photos / "train", list(CLASSES), SIZE + MARGIN)
    kept, away = split(all_photos, held_out, seed)
    pictures = generated_pictures(drawn, SIZE + MARGIN, seed)
    tokenizer = new_tokenizer(all_texts(pictures, seed))
    guide = found_or_trained(teacher, kept, minutes * TEACHER_SHARE * 60)
    if held_out:
        print(f"teacher on photos held out: {accuracy(guide(resized(away.pixels, SIZE)), away):.3f}")
    course = Course(kept, pictures, guide, SIZE, seed)
    start = time.monotonic()

    def report(model: CLIPModel, step: int, loss: float) -> None:
        text = f"step {step}, {(time.monotonic() - start) / 60:.1f} min, loss {loss:.2f}"
        print(text + (f", held out {top_1(model, tokenizer, away):.3f}" if held_out else ""), flush=True)

    model = train_student(new_model(tokenizer), tokenizer, course, minutes * (1 - TEACHER_SHARE) * 60, report)
    if held_out:
        print(f"averaged, held out: {top_1(model, tokenizer, away):.3f}")
    save(model, tokenizer, out)


def found_or_trained(path: Path | None, photos: Photos, seconds: float) -> Teacher:
    if path is not None and path.exists():
        teacher = Teacher()
        teacher.load_state_dict(torch.load(path, weights_only=True))
        return teacher.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
    teacher = train_teacher(photos, SIZE, seconds)
    if path is not None:
        torch.save(teacher.state_dict(), path)
    return teacher


def all_texts(pictures: Generated, seed: int) -> list[str]:
    """Returns every possible caption, for training the tokenizer."""
    rng = random.Random(seed)
    texts = [class_caption(name, rng) for name in CLASSES for _ in range(40)]
    texts += [name for names in CLASSES.values() for name in names]
    texts += [group_caption(group, rng) for group in GROUPS for _ in range(10)]
    return texts + [caption for captions in pictures.captions[:3000] for caption in captions]


@torch.no_grad()
def top_1(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, photos: Photos) -> float:
    vectors = torch.cat([image_vectors(model, resized(part, SIZE)) for part in photos.pixels.split(256)])
    return accuracy(vectors @ class_vectors(model, tokenizer).T, photos)


def accuracy(scores: Tensor, photos: Photos) -> float:
    return float((scores.argmax(1) == photos.labels).float().mean())


def save(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    new_processor().save_pretrained(out)


if __name__ == "__main__":
    typer.run(main)
