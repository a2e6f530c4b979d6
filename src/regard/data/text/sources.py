"""Where each named set of text comes from: addresses, digests, licence, citation. Facts only."""

from regard.data.sources import NamedSet, Source
from regard.data.text.archives import libreoffice_pairs, zipped_pairs

_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/"
_KOREAN = "https://raw.githubusercontent.com/jungyeul/korean-parallel-corpora/a1fb53dc5216f3a2d07d973456d8921ed23c88c6/"
_LIBREOFFICE = (
    "https://downloadarchive.documentfoundation.org/libreoffice/old/7.4.7.2/src/"
    "libreoffice-translations-7.4.7.2.tar.xz"
)

_MULTI30K_DIGESTS = {
    "train.en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.fr": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
    "train.de": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "val.en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.fr": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
    "val.de": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "test_2016_flickr.en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "test_2016_flickr.fr": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
    "test_2016_flickr.de": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    "test_2017_flickr.en": "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
    "test_2017_flickr.fr": "3ba671ceb2299f3304ffafefea7a833d08632fbaf0ba18546f8a2ec2391af496",
    "test_2017_flickr.de": "a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee",
}

# None: the repository's snapshot that we could read does not hold this file's content.
_KOREAN_DIGESTS = {
    "korean-english-news-v1/korean-english-park.train.tar.gz": None,
    "korean-english-news-v1/korean-english-park.dev.tar.gz": (
        "c195d911bf7030a4ccd275d0c70e548d9e605078551b525be14ebc270564af32"
    ),
    "korean-english-news-v1/korean-english-park.test.tar.gz": (
        "be0cf6d7812bdf2767af311112b4584b94a5ca3adbc6db9361de0451093fb62d"
    ),
    "korean-english-jhe/jhe-koen-dev.en": "ccf0c0ca7601b5cae37891ecf89c72c951ac162a20738ac894e3faf804c4c4af",
    "korean-english-jhe/jhe-koen-dev.ko": "2b02238c122aac40860aebfb191cfcdb46553e6b55b447f8188e04cabe00b828",
    "korean-english-jhe/jhe-koen-eval.en": "dc4c0975092f3cfd5c60e3cea24e6b2a400e4373208cd9f3ed6b0cc44c01cc3b",
    "korean-english-jhe/jhe-koen-eval.ko": "531b18d6640aaf63b86753c631c8ee6d7d23c10b9f9c56cb99c9da086417cb86",
}

_TATOEBA_CREDIT = "Sentences of tatoeba.org, paired by manythings.org/anki (Charles Kelly)"

_SPLITS = ("train", "validation", "test")

TEXT_SETS: dict[str, NamedSet] = {
    named.name: named
    for named in (
        NamedSet(
            "multi30k",
            "captions of 31,014 photographs, raw text; validation and the Flickr tests of 2016 and 2017",
            "none stated; for non-commercial research and education",
            False,
            "Elliott, Frank, Sima'an and Specia, Multi30K: Multilingual English-German Image Descriptions, "
            "VL 2016; French: Elliott, Frank, Barrault, Bougares and Specia, WMT 2017",
            "https://github.com/multi30k/dataset",
            tuple(
                Source(f"{name}.gz", f"{_MULTI30K}{name}.gz", digest)
                for name, digest in _MULTI30K_DIGESTS.items()
            ),
            splits=(*_SPLITS, "test_2016", "test_2017"),
            languages=("en", "fr", "de"),
        ),
        NamedSet(
            "tatoeba-en-fr",
            "everyday sentences; split by English sentence",
            "CC BY 2.0 FR",
            True,
            _TATOEBA_CREDIT,
            "https://www.manythings.org/anki/",
            (
                Source(
                    "pairs.tsv.gz",
                    "https://www.manythings.org/anki/fra-eng.zip",
                    None,
                    zipped_pairs("fra.txt"),
                ),
            ),
            languages=("en", "fr"),
        ),
        NamedSet(
            "tatoeba-en-ko",
            "everyday sentences; split by English sentence",
            "CC BY 2.0 FR",
            True,
            _TATOEBA_CREDIT,
            "https://www.manythings.org/anki/",
            (
                Source(
                    "pairs.tsv.gz",
                    "https://www.manythings.org/anki/kor-eng.zip",
                    None,
                    zipped_pairs("kor.txt"),
                ),
            ),
            languages=("en", "ko"),
        ),
        NamedSet(
            "korean-news",
            "news sentences (train, validation, test) and the JHE evaluation set (jhe-dev, jhe-eval)",
            "CC BY-SA 3.0",
            True,
            "Park, Hong and Cha, Korean Language Resources for Everyone, PACLIC 30, 2016",
            "https://github.com/jungyeul/korean-parallel-corpora",
            tuple(
                Source(name.rsplit("/", 1)[1], _KOREAN + name, digest)
                for name, digest in _KOREAN_DIGESTS.items()
            ),
            splits=(*_SPLITS, "jhe-dev", "jhe-eval"),
            languages=("ko", "en"),
        ),
        NamedSet(
            "libreoffice-help",
            "paragraphs of the help of an office suite; split by English paragraph",
            "MPL-2.0",
            True,
            "LibreOffice contributors, The Document Foundation",
            "https://help.libreoffice.org",
            tuple(
                Source(f"en-{language}.tsv.gz", _LIBREOFFICE, None, libreoffice_pairs(language))
                for language in ("fr", "ko")
            ),
            languages=("en", "fr", "ko"),
        ),
    )
}
