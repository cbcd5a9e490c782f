"""Trains the small CLIP on photos with the captions of all classes and on drawn pictures with their own."""

import math
import random
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPModel, PreTrainedTokenizerFast

from training.small.captions import CLASSES, GROUPS, class_caption, fixed_prompt, group_caption
from training.small.generated import Generated
from training.small.optimizer import Average, Optimizers
from training.small.photos import Photos, balanced_batches, mixed, random_views
from training.small.teacher import Sight, Teacher, soft_cross_entropy

NAMES = list(CLASSES)
MEMBERS = torch.tensor([[name in group for name in NAMES] for group in GROUPS.values()]).float()

EARLY, EARLY_SIZE = 0.6, 48  # the first part of the time goes to smaller views: more steps in the same time
LIKENESS = 1.0  # weight of seeing places as the teacher does


class Batch(NamedTuple):
    views: Tensor  # photos, then drawn pictures
    texts: list[str]  # one for each class, then one for each drawn picture, then groups of classes
    targets: Tensor  # share of each text but the groups in each view; rows sum to one
    matches: Tensor  # how well each text suits each view; any sum
    sight: Sight | None  # what the teacher sees in each view


class Course:
    """Yields the batches that the small CLIP is trained on."""

    def __init__(self, photos: Photos, drawn: Generated, teacher: Teacher | None, size: int, seed: int) -> None:
        self.photos, self.drawn, self.teacher, self.size = photos, drawn, teacher, size
        self.rng = random.Random(seed)
        self.photo_batches = balanced_batches(photos.labels, 64)

    def batch(self, drawn: int = 14, groups: int = 8, trust: float = 0.7) -> Batch:
        chosen = next(self.photo_batches)
        labels = F.one_hot(self.photos.labels[chosen], len(NAMES)).float()
        views = random_views(self.photos.pixels[chosen], self.size)
        views, labels = mixed(views, labels)
        numbers = torch.randint(len(self.drawn.captions), (drawn,)).tolist()
        own = [self.rng.choice(self.drawn.captions[number]) for number in numbers]
        fits = torch.tensor([[float(text in self.drawn.captions[n]) for text in own] for n in numbers])
        asked = self.rng.sample(range(len(GROUPS)), groups)
        kinds = list(GROUPS)
        texts = [class_caption(name, self.rng) for name in NAMES] + own
        texts += [group_caption(kinds[number], self.rng) for number in asked]
        views = torch.cat([views, random_views(self.drawn.pixels[numbers], self.size, strength=0.25)])
        sight = self.sight(views)
        targets = (1 - trust) * labels + trust * sight.logits[: len(labels)].softmax(1) if sight else labels
        return Batch(
            views,
            texts,
            torch.block_diag(targets, fits / fits.sum(1, keepdim=True)),
            torch.cat([torch.block_diag(labels, fits), F.pad(labels @ MEMBERS[asked].T, (0, 0, 0, drawn))], 1),
            sight,
        )

    @torch.no_grad()
    def sight(self, views: Tensor) -> Sight | None:
        if self.teacher is None:
            return None
        with torch.autocast("cpu", torch.bfloat16):
            sight = self.teacher.look(views.contiguous(memory_format=torch.channels_last))
        return Sight(*(part.float() for part in sight))


class FeatureMatching(nn.Module):
    """Compares the student's features at each place of a picture with the teacher's; used in training only."""

    def __init__(self, model: CLIPModel, teacher: Teacher) -> None:
        super().__init__()
        config = model.vision_model.config
        self.middle = config.num_hidden_layers * 2 // 3
        coarse = teacher.head.in_features
        self.fine = nn.Linear(config.hidden_size, coarse // 2)
        self.coarse = nn.Linear(config.hidden_size, coarse)

    def forward(self, hidden: tuple[Tensor, ...], sight: Sight) -> Tensor:
        return difference(self.fine(hidden[self.middle]), sight.fine) + difference(
            self.coarse(hidden[-1]), sight.coarse
        )


def difference(tokens: Tensor, sight: Tensor) -> Tensor:
    """Returns the distance of the tokens, without the class token, to the teacher's features at their places."""
    side = math.isqrt(tokens.shape[1] - 1)
    places = tokens[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2).float()
    shared = min(side, sight.shape[-1])
    places, seen = (F.adaptive_avg_pool2d(x, shared) for x in (places, standard(sight)))
    return F.mse_loss(places, seen)


def standard(sight: Tensor) -> Tensor:
    """Returns the features with mean 0 and standard deviation 1 in every channel."""
    mean, spread = sight.mean((0, 2, 3), keepdim=True), sight.std((0, 2, 3), keepdim=True)
    return (sight - mean) / (spread + 1e-3)


def train_student(
    model: CLIPModel,
    tokenizer: PreTrainedTokenizerFast,
    course: Course,
    seconds: float,
    report: Callable[[CLIPModel, int, float], None],
) -> CLIPModel:
    """Trains for the given seconds and returns the averaged weights."""
    model.set_attn_implementation("eager")  # on a CPU twice as fast as the fused one, measured
    matching = FeatureMatching(model, course.teacher) if course.teacher else None
    both = nn.ModuleList([model, matching]) if matching else model
    optimizers = Optimizers(both, matrices(model), lr=1e-3, muon_lr=0.01, decay=0.05)
    average = Average(model)
    start, passed, steps = time.monotonic(), 0.0, 0
    while passed < seconds:
        batch = course.batch()
        if passed < EARLY * seconds:
            batch = batch._replace(views=smaller(batch.views, EARLY_SIZE))
        value = loss(model, tokenizer, batch, matching)
        optimizers.step(value, passed / seconds)
        average.update(model)
        steps += 1
        if steps % 100 == 0:
            report(model, steps, value.item())
        passed = time.monotonic() - start
    report(model, steps, value.item())
    model.load_state_dict(average.state)
    model.eval()
    return model


def smaller(views: Tensor, size: int) -> Tensor:
    return F.interpolate(views, (size, size), mode="bilinear", antialias=True, align_corners=False)


def matrices(model: CLIPModel) -> list[Tensor]:
    """Returns the parameters that Muon optimizes: the matrices inside the towers."""
    return [p for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2]


def loss(
    model: CLIPModel, tokenizer: PreTrainedTokenizerFast, batch: Batch, matching: FeatureMatching | None
) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        seen = model.vision_model(pixel_values=batch.views, output_hidden_states=True, interpolate_pos_encoding=True)
        images = F.normalize(model.visual_projection(seen.pooler_output), dim=-1)
        texts = text_vectors(model, tokenizer, batch.texts)
        far = matching(seen.hidden_states, batch.sight) if matching else torch.zeros(())
    scores = images.float() @ texts.float().T * model.logit_scale.clamp(max=4.0).exp()
    known = batch.targets.shape[1]
    forward = soft_cross_entropy(scores[:, :known], batch.targets)
    wanted = batch.matches.sum(0)
    asked = wanted > 0
    shares = (batch.matches / wanted.clamp(min=1e-6)).T[asked]
    return forward + 0.5 * soft_cross_entropy(scores.T[asked], shares) + LIKENESS * far


def image_vectors(model: CLIPModel, views: Tensor) -> Tensor:
    return F.normalize(model.get_image_features(pixel_values=views).pooler_output, dim=-1)


def text_vectors(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    features = model.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
    return F.normalize(features.pooler_output, dim=-1)


@torch.no_grad()
def class_vectors(model: CLIPModel, tokenizer: PreTrainedTokenizerFast) -> Tensor:
    return text_vectors(model, tokenizer, [fixed_prompt(name) for name in NAMES])
