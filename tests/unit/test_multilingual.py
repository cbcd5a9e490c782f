"""Uses a text tower of sentence-transformers beside the image tower of a CLIP."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BertTokenizer, DistilBertConfig, DistilBertModel

from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from encoders.loading import load_encoder
from library.errors import ModelUnavailable, UnknownModel
from library.image_library import ImageLibrary
from library.search.query import Query
from testing.fakes import ready
from testing.pictures import item
from testing.tiny_clip import save_tiny_clip
from tests.unit.test_clip import use_hub

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "circle", "빨간", "원", "أحمر"]
TEXTS = ["red circle", "빨간 원", "أحمر"]
DIM = 16


def save_multilingual(folder, dim=DIM):
    """Saves a DistilBERT, the mean of its tokens and a matrix into CLIP's space, as the released model is."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    torch.manual_seed(0)
    bert = folder / "bert"
    sizes = {"vocab_size": len(WORDS), "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    DistilBertModel(DistilBertConfig(**sizes, max_position_embeddings=16)).save_pretrained(bert)
    (folder / "vocab.txt").write_text("\n".join(WORDS), "utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=16).save_pretrained(bert)
    parts = [Transformer(str(bert), max_seq_length=12), Pooling(32), Dense(32, dim, bias=False)]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder / "multilingual"))
    return folder / "multilingual"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(save_tiny_clip(tmp_path_factory.mktemp("models") / "tiny", dim=DIM))


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return str(save_multilingual(tmp_path_factory.mktemp("texts")))


@pytest.fixture(scope="module")
def encoder(clip, texts):
    return load_encoder(clip, text_model=texts)


def test_it_is_the_format_of_the_hub(texts):
    names = {str(path.relative_to(texts)) for path in Path(texts).rglob("*") if path.is_file()}
    assert {"modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"} <= names


def test_texts_of_any_script_become_unit_vectors_of_the_image_towers_space(encoder):
    vectors = encoder.encode_texts(TEXTS)
    assert vectors.shape == (3, DIM) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert encoder.encode_texts([]).shape == (0, DIM)


def test_they_are_those_of_sentence_transformers(encoder, texts):
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(texts, device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.sum(plain * encoder.encode_texts(TEXTS), axis=1) == pytest.approx(1, abs=1e-5)


def test_pictures_are_encoded_as_before_and_the_collection_stays(encoder, clip):
    alone = load_encoder(clip)
    picture = [Image.new("RGB", (40, 40), "red")]
    assert (encoder.encode_images(picture) == alone.encode_images(picture)).all()
    assert encoder.info == alone.info
    assert (encoder.info.texts, alone.info.texts) == ("multilingual", "tiny")


def test_a_library_that_was_filled_before_is_searched_at_once(encoder, clip, tmp_path, picture):
    database = Milvus(tmp_path / "milvus.db")
    store = LocalImageStore(tmp_path / "pictures")
    list(ImageLibrary(store, ready(load_encoder(clip)), database).add([item("red.png", picture("red"))]))
    library = ImageLibrary(store, ready(encoder), database)
    assert library.status().missing == 0
    assert [hit.record.name for hit in library.search(Query.of("빨간 원")).hits] == ["red.png"]
    database.close()


def test_a_text_beyond_the_context_is_told(encoder):
    assert not encoder.cuts("red circle") and encoder.cuts("red " * 20)


def test_a_tower_of_another_dimension_is_refused_with_both(clip, tmp_path):
    other = str(save_multilingual(tmp_path, dim=24))
    with pytest.raises(UnknownModel, match=r"makes vectors of 24 numbers, CLIP_MODEL=.*tiny of 16"):
        load_encoder(clip, text_model=other)


def test_one_that_is_neither_here_nor_to_be_reached_is_told_from_a_typo(clip, monkeypatch, tmp_path):
    use_hub(monkeypatch, tmp_path, "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"CLIP_TEXT_MODEL=someone/texts is not on this machine and huggingface"):
        load_encoder(clip, text_model="someone/texts")


def test_a_folder_without_a_model_is_refused(clip, tmp_path):
    with pytest.raises(UnknownModel, match=r"CLIP_TEXT_MODEL=.*config\.json is missing"):
        load_encoder(clip, text_model=str(tmp_path))


def test_without_sentence_transformers_it_is_said_what_to_install(clip, texts, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UnknownModel, match=r"pip install -r requirements-multilingual\.txt"):
        load_encoder(clip, text_model=texts)
