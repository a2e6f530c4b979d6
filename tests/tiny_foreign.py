"""Small models of Hugging Face with random weights, in folders, with tokenizers trained on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TEXTS = ["The cat sat on the mat.", "The dog saw the cat.", "나는 오늘 도서관에서 책을 읽었다."] * 4
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def _saved(path: Path, model: Any, tokenizer: Any = None) -> Path:
    model.save_pretrained(path)
    if tokenizer is not None:
        tokenizer.save_pretrained(path)
        assert len(tokenizer) <= model.config.vocab_size
    return path


def wordpiece() -> Any:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    names = list(SPECIAL.values())
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=60, special_tokens=names))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, names.index(name)) for name in ("[CLS]", "[SEP]")]
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **SPECIAL)


def byte_level() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TEXTS[:2], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", unk_token="<|end|>"
    )


def metaspace() -> Any:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(vocab_size=80, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"),
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def word_ends() -> Any:
    """As CLIP's: a token says that it ends a word."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=50, special_tokens=["[UNK]"], end_of_word_suffix="</w>")
    tokenizer.train_from_iterator(TEXTS[:2], trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


def bert(path: Path) -> Path:
    torch.manual_seed(1)
    config = transformers.BertConfig(vocab_size=60, max_position_embeddings=64, **SMALL)
    return _saved(path, transformers.BertForMaskedLM(config), wordpiece())


def gpt2(path: Path) -> Path:
    torch.manual_seed(2)
    config = transformers.GPT2Config(
        vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=0, eos_token_id=0
    )
    return _saved(path, transformers.GPT2LMHeadModel(config), byte_level())


def llama(path: Path) -> Path:
    torch.manual_seed(3)
    config = transformers.LlamaConfig(
        vocab_size=300, num_key_value_heads=2, bos_token_id=0, eos_token_id=0, **SMALL
    )
    return _saved(path, transformers.LlamaForCausalLM(config), byte_level())


def t5(path: Path) -> Path:
    torch.manual_seed(4)
    config = transformers.T5Config(
        vocab_size=80, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return _saved(path, transformers.T5ForConditionalGeneration(config), metaspace())


def marian(path: Path) -> Path:
    torch.manual_seed(5)
    tokenizer = metaspace()
    config = transformers.MarianConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, forced_eos_token_id=None,
    )  # fmt: skip
    return _saved(path, transformers.MarianMTModel(config), tokenizer)


def vit(path: Path) -> Path:
    torch.manual_seed(6)
    return _saved(path, transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=8, **SMALL)))


def beit(path: Path) -> Path:
    torch.manual_seed(7)
    return _saved(path, transformers.BeitModel(transformers.BeitConfig(image_size=16, patch_size=8, **SMALL)))


def dinov2_with_registers(path: Path) -> Path:
    torch.manual_seed(8)
    config = transformers.Dinov2WithRegistersConfig(
        image_size=16, patch_size=8, num_register_tokens=4, mlp_ratio=2, **SMALL
    )
    return _saved(path, transformers.Dinov2WithRegistersModel(config))


def siglip(path: Path) -> Path:
    torch.manual_seed(9)
    config = transformers.SiglipVisionConfig(image_size=16, patch_size=8, **SMALL)
    return _saved(path, transformers.SiglipVisionModel(config))


def albert(path: Path) -> Path:
    torch.manual_seed(10)
    config = transformers.AlbertConfig(vocab_size=60, embedding_size=16, max_position_embeddings=64, **SMALL)
    return _saved(path, transformers.AlbertModel(config), wordpiece())


def qwen3(path: Path) -> Path:
    torch.manual_seed(11)
    config = transformers.Qwen3Config(
        vocab_size=300, num_key_value_heads=2, head_dim=8, bos_token_id=0, eos_token_id=0, **SMALL
    )
    assert config.max_window_layers > 24  # than it has weights
    return _saved(path, transformers.Qwen3Model(config), byte_level())


TEXT_MODELS = {"bert": bert, "gpt2": gpt2, "llama": llama, "t5": t5, "marian": marian, "qwen3": qwen3}
