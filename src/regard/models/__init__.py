"""Whole networks, built from a config."""

from regard.models.build import build_translator
from regard.models.cache import Cache
from regard.models.config import ModelConfig
from regard.models.encoder_decoder import EncoderDecoder
from regard.models.memory import Decoded, Memory

__all__ = ["Cache", "Decoded", "EncoderDecoder", "Memory", "ModelConfig", "build_translator"]
