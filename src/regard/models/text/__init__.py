"""Networks that read and write tokens, built from a config."""

from regard.models.text.build import build_classifier, build_language_model, build_translator
from regard.models.text.cache import Cache
from regard.models.text.classifier import TextClassifier
from regard.models.text.config import ModelConfig
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.models.text.language_model import LanguageModel
from regard.models.text.memory import Decoded, Memory

__all__ = [
    "Cache",
    "Decoded",
    "EncoderDecoder",
    "LanguageModel",
    "Memory",
    "ModelConfig",
    "TextClassifier",
    "build_classifier",
    "build_language_model",
    "build_translator",
]
