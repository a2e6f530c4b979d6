"""Whole networks, built from a config."""

from regard.models.build import build_classifier, build_language_model, build_translator
from regard.models.cache import Cache
from regard.models.classifier import TextClassifier
from regard.models.config import ModelConfig
from regard.models.encoder_decoder import EncoderDecoder
from regard.models.language_model import LanguageModel
from regard.models.memory import Decoded, Memory

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
