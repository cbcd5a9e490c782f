"""Makes an untrained small CLIP: a real CLIPModel, its tokenizer and its processor."""

import math

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

SIZE = 64  # pixels a side
PATCH = 8
TOKENS = 32  # the longest text
PAD, START, END = "<|pad|>", "<|startoftext|>", "<|endoftext|>"


def new_tokenizer(texts: list[str], size: int = 2000) -> PreTrainedTokenizerFast:
    """Makes a tokenizer of byte-level pieces, so that any text in any script has tokens."""
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size - 1, special_tokens=[PAD, START], initial_alphabet=alphabet)
    pieces.train_from_iterator(texts, trainer)
    # The end token gets the highest id: transformers may pool a text at its highest one.
    pieces.add_special_tokens([END])
    ids = [(START, pieces.token_to_id(START)), (END, pieces.token_to_id(END))]
    pieces.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces, bos_token=START, eos_token=END, pad_token=PAD, model_max_length=TOKENS
    )


def new_processor(size: int = SIZE) -> CLIPImageProcessorPil:
    """Makes a processor that presses the whole picture into a square: nothing at its edges is lost."""
    square = {"height": size, "width": size}
    return CLIPImageProcessorPil(size=square, do_center_crop=False, crop_size=square)


def new_model(
    tokenizer: PreTrainedTokenizerFast,
    size: int = SIZE,
    patch: int = PATCH,
    width: int = 192,
    layers: int = 6,
    heads: int = 6,
    local: bool = True,
) -> CLIPModel:
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": TOKENS, "hidden_act": "gelu", **special,
    }  # fmt: skip
    vision = {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "image_size": size, "patch_size": patch, "hidden_act": "gelu",
    }  # fmt: skip
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128))
    if local:
        look_at_neighbours(model)
    return model


@torch.no_grad()
def look_at_neighbours(model: CLIPModel, sharpness: float = 2.5) -> None:
    """Starts every attention head looking at one neighbouring patch, as a convolution would.

    Positions are sines and cosines in the first dimensions, queries turn them by the head's offset, so that
    query times key peaks at that neighbour. After Zheng and others 2024, "Structured initialization for
    vision transformers". The class token has no position and starts by looking at everything.
    """
    vision = model.vision_model
    config = vision.config
    side, heads = config.image_size // config.patch_size, config.num_attention_heads
    room = config.hidden_size // heads
    vision.embeddings.class_embedding[: 4 * (room // 4)] = 0
    waves = torch.arange(1, room // 4 + 1) * (math.pi / (side + 1))
    used = 4 * len(waves)
    positions = torch.zeros_like(vision.embeddings.position_embedding.weight)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angles = torch.cat([x.reshape(-1, 1) * waves, y.reshape(-1, 1) * waves], 1)
    positions[1:, :used] = torch.stack([angles.cos(), angles.sin()], 2).flatten(1)
    vision.embeddings.position_embedding.weight.copy_(positions)
    # Colours and edges start in the other dimensions, about as strong as the positions.
    torch.nn.init.normal_(vision.embeddings.patch_embedding.weight, std=0.5 / config.patch_size)
    vision.embeddings.patch_embedding.weight[:used] = 0
    for number, layer in enumerate(vision.encoder.layers):
        attention = layer.self_attn
        reach = 1 + number // 2 % 2
        for projection in (attention.q_proj, attention.k_proj):
            torch.nn.init.normal_(projection.weight, std=0.02)
            torch.nn.init.zeros_(projection.bias)
        scale = math.sqrt(sharpness * math.sqrt(room) / len(waves))
        for head in range(heads):
            dx, dy = (reach * step for step in OFFSETS[(head + number * heads) % len(OFFSETS)])
            rows = slice(head * room, head * room + used)
            attention.k_proj.weight[rows, :used] += scale * torch.eye(used)
            attention.q_proj.weight[rows, :used] += scale * rotation(torch.cat([waves * dx, waves * dy]))


OFFSETS = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)]


def rotation(angles: Tensor) -> Tensor:
    """Turns each pair (cos a, sin a) by its angle."""
    blocks = [
        torch.tensor([[c, -s], [s, c]]) for c, s in zip(angles.cos().tolist(), angles.sin().tolist(), strict=True)
    ]
    turn: Tensor = torch.block_diag(*blocks)
    return turn
