"""Trains the small CLIP's text tower on Korean and Traditional Chinese, towards its vectors of the English captions.

After Reimers and Gurevych, Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation, 2020.

python -m training.small_texts.train --out encoders/small_texts
"""

import random
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from transformers import CLIPTextModelWithProjection, PreTrainedTokenizerFast

from encoders.model_folders import SMALL_FOLDER
from training.small.measure import SmallClip, unit
from training.small_texts.captions import Caption, class_prompts, new_caption, words
from training.small_texts.tokenizer import extended

SPACE = "Ġ"
PIECES = 2500
SEEN_FOR_PIECES = 30_000
BATCH = 96  # captions, each in three languages
SHARPNESS = 20.0  # of the softmax over the captions of a batch
RATE = 1e-2


def main(
    out: Annotated[Path, typer.Option(help="Where the tower is written.")],
    minutes: Annotated[float, typer.Option(help="Training time.")] = 4,
    seed: int = 0,
) -> None:
    torch.manual_seed(seed)
    teacher = SmallClip()
    rng, said = random.Random(seed), words()
    texts = (text for _ in range(SEEN_FOR_PIECES) for text in new_caption(rng, said)[1:])
    tokenizer = extended(SMALL_FOLDER, texts, PIECES)
    tower = new_tower(teacher, tokenizer)
    train(tower, tokenizer, teacher, rng, minutes * 60)
    tower.half().save_pretrained(out)
    tokenizer.save_pretrained(out)


def new_tower(teacher: SmallClip, tokenizer: PreTrainedTokenizerFast) -> CLIPTextModelWithProjection:
    """Returns a copy of the teacher's own tower, with room for the new pieces."""
    config = teacher.model.config.text_config.to_dict() | {
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "projection_dim": teacher.model.config.projection_dim,
    }
    tower = CLIPTextModelWithProjection(type(teacher.model.config.text_config)(**config))
    weights = {
        name: value
        for name, value in teacher.model.state_dict().items()
        if name.startswith(("text_model.", "text_projection."))
    }
    name = "text_model.embeddings.token_embedding.weight"
    old = weights[name]
    added = torch.randn(len(tokenizer) - len(old), old.shape[1]) * old.std()
    weights[name] = torch.cat([old[:-1], added, old[-1:]])  # the end token stays the last
    tower.load_state_dict(weights)
    return tower


def train(
    tower: CLIPTextModelWithProjection,
    tokenizer: PreTrainedTokenizerFast,
    teacher: SmallClip,
    rng: random.Random,
    seconds: float,
) -> None:
    said = words()
    pieces = tower.requires_grad_(False).text_model.embeddings.token_embedding.weight.requires_grad_(True)
    may_change = torch.tensor(
        [is_further(text) for text in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
    )
    pieces.register_hook(lambda gradient: gradient * may_change[:, None])
    optimizer = torch.optim.Adam([pieces], RATE)
    start, step = time.monotonic(), 0
    while (done := (time.monotonic() - start) / seconds) < 1:
        optimizer.param_groups[0]["lr"] = RATE * min(1, (step + 1) / 50) * (1 - done)
        loss = loss_of(tower, tokenizer, teacher, [new_caption(rng, said) for _ in range(BATCH)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            agreed = ", ".join(f"{each:.3f}" for each in agreement(tower, tokenizer, teacher))
            print(
                f"step {step}, {done * seconds / 60:.1f} min, loss {loss.item():.3f}, prompts agree: {agreed}",
                flush=True,
            )
        step += 1
    tower.eval()


def loss_of(
    tower: CLIPTextModelWithProjection,
    tokenizer: PreTrainedTokenizerFast,
    teacher: SmallClip,
    captions: list[Caption],
) -> Tensor:
    """Returns the loss: every language close to the teacher's English, and closer than to other captions."""
    english, korean, chinese = zip(*captions, strict=True)
    aims = teacher.texts(list(english))
    found = vectors(tower, tokenizer, [*korean, *chinese]).view(2, len(captions), -1)
    far = 1 - (found * aims).sum(2).mean(1)
    same = (aims @ aims.T > 0.999).float()
    scores = (SHARPNESS * found @ aims.T).log_softmax(2)
    told_apart = -(scores * same / same.sum(1, keepdim=True)).sum(2).mean()
    return far.sum() + 0.2 * told_apart


def is_further(piece: str) -> bool:
    """Returns whether a piece stands for letters beyond ASCII, or parts of them, which byte-level pieces can write."""
    return any(ord(letter) > 127 and letter != SPACE for letter in piece)


def vectors(tower: CLIPTextModelWithProjection, tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    return unit(tower(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).text_embeds)


@torch.no_grad()
def agreement(
    tower: CLIPTextModelWithProjection, tokenizer: PreTrainedTokenizerFast, teacher: SmallClip
) -> list[float]:
    """Returns, for each language, how many class prompts are nearest to their own among the teacher's English ones."""
    languages = list(zip(*class_prompts(), strict=True))
    aims = teacher.texts(list(languages[0]))
    own = torch.arange(len(aims))
    nearest = [(vectors(tower, tokenizer, list(each)) @ aims.T).argmax(1) for each in languages]
    return [float((each == own).float().mean()) for each in nearest]


if __name__ == "__main__":
    typer.run(main)
