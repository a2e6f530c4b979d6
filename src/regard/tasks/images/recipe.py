"""What the recipes of image tasks may say."""

from abc import abstractmethod
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from regard.data.images.config import AugmentConfig, ImageDataConfig
from regard.models.images.config import ResNetConfig, VitConfig
from regard.models.images.unet_config import UNetConfig
from regard.tasks.images.anomaly_map import AnomalyMapConfig
from regard.tasks.images.blind_spots import BlindSpotConfig
from regard.tasks.images.defects import DefectConfig
from regard.tasks.images.instances import InstanceConfig
from regard.tasks.images.losses import RestorationLossConfig, SegmentationLossConfig
from regard.tasks.images.noise import NoiseConfig
from regard.tasks.images.removed_regions import RemovalConfig
from regard.tasks.recipe import About, Recipe
from regard.training.config import TrainingConfig


class ImageTraining(TrainingConfig):
    """Training on batches of images."""

    images: int = Field(default=32, ge=1, description="of a batch")


class ClassificationTraining(ImageTraining):
    """Training a network that names classes."""

    images: int = Field(default=128, ge=1, description="of a batch")
    label_smoothing: float = Field(default=0.1, ge=0, le=1)
    mixup: float = Field(
        default=0.0, ge=0, description="α of the Beta that images of a batch are mixed by in pairs; 0: off"
    )


class ImageRecipe(Recipe):
    """What the recipes of all image tasks say."""

    data: ImageDataConfig
    augment: AugmentConfig = AugmentConfig()
    training: ImageTraining = ImageTraining()

    @model_validator(mode="after")
    def _good_ones_are_for_detection(self) -> Self:
        if self.data.good is not None and self.task != "anomaly-detection":
            raise ValueError(
                f"data.good = {self.data.good!r} keeps the pictures of one class as the good ones, for "
                f"anomaly-detection; this recipe's task is {self.task}: leave it out"
            )
        return self

    @property
    @abstractmethod
    def network(self) -> str:
        """The network, in the words of a model card."""

    def refuse_ignored(self) -> None:
        """Raise where the recipe says what nothing would read; see `Recipe.refuse_ignored`."""
        if self.data.name is not None and self.data.hold_out_order is not None:
            raise ValueError("a named set holds out in an order of its own; leave out data.hold_out_order")

    @property
    def about(self) -> About:
        """What its model's card says of it."""
        pieces = [f"pictures in {self.data.channels}"]
        if self.data.resize:
            pieces.append("of {} × {} pixels".format(*self.data.resize))
        if self.data.window:
            pieces.append("{} × {} pixels at a time".format(*self.data.window))
        sets = () if self.data.name is None else (self.data.name,)
        title = self.task.replace("-", " ").capitalize()
        files = () if self.data.train is None else (str(self.data.train),)
        return About(title, self.network, sets, files, "as " + ", ".join(pieces))


def _network_of(model: Any) -> str:
    """A table of a recipe that names no network is a Vision Transformer's."""
    return str(model.get("network", "vit") if isinstance(model, dict) else getattr(model, "network", "vit"))


ClassifierConfig = Annotated[
    Annotated[VitConfig, Tag("vit")] | Annotated[ResNetConfig, Tag("resnet")], Discriminator(_network_of)
]


class ImageClassificationRecipe(ImageRecipe):
    """A recipe for telling classes of pictures apart, by a Vision Transformer or a ResNet.

    Example:
        >>> from regard.tasks import parse_recipe
        >>> table = {"task": "image-classification", "data": {"name": "digits", "channels": "grey"}}
        >>> parse_recipe(table).model.network
        'vit'
    """

    task: Literal["image-classification"]
    model: ClassifierConfig = VitConfig()
    training: ClassificationTraining = ClassificationTraining()

    @property
    def network(self) -> str:
        """The network, in the words of a model card."""
        model = self.model
        if isinstance(model, VitConfig):
            return f"{model.layers}-layer Vision Transformer, patches of {model.patch}, width {model.width}"
        return f"ResNet-{2 * model.stages * model.blocks + 2}, width {model.width}"


class UNetRecipe(ImageRecipe):
    """What the recipes of tasks that a U-Net does share."""

    model: UNetConfig = UNetConfig()

    @property
    def network(self) -> str:
        """The network, in the words of a model card."""
        model = self.model
        parts = [f"U-Net of depth {model.depth}, width {model.width}"]
        if model.skip_levels != tuple(range(model.depth)):
            parts.append(f"skip connections at {list(model.skip_levels) or 'no'} levels")
        if model.attention_gates:
            parts.append("attention gates")
        if model.bottleneck_attention:
            parts.append(f"{model.bottleneck_attention} layers of self-attention in the bottleneck")
        return ", ".join(parts)


class SegmentationRecipe(UNetRecipe):
    """A recipe for saying of each pixel what it belongs to.

    Attributes:
        loss: its parts.
        instances: how touching objects are told apart, for counting.
        borders: a test also scores borders between cells as ISBI 2012 does: two classes, border and cell.

    Example:
        >>> from regard.tasks import parse_recipe
        >>> parse_recipe({"task": "segmentation", "data": {"name": "dsb2018"}}).loss.dice
        1.0
    """

    task: Literal["segmentation"]
    loss: SegmentationLossConfig = SegmentationLossConfig()
    instances: InstanceConfig = InstanceConfig()
    borders: bool = False


class DenoiserConfig(UNetConfig):
    """A U-Net whose output is a change of its input, without norms: they would hide how strong noise is."""

    norm: Literal["batch", "instance", "group", "none"] = "none"
    residual: bool = True


class DenoisingRecipe(UNetRecipe):
    """A recipe for taking noise out of pictures.

    Attributes:
        noise: what is added to pictures while training, and what figures are measured under.
        clean_targets: the pictures are clean, and training shows them to the network; otherwise they are
            noisy themselves, nothing is added, and it learns from hidden pixels (Batson & Royer 2019).
        blind_spots: which pixels those are.
        loss: its parts.
    """

    task: Literal["denoising"]
    model: DenoiserConfig = DenoiserConfig()
    noise: NoiseConfig = NoiseConfig()
    clean_targets: bool = True
    blind_spots: BlindSpotConfig = BlindSpotConfig()
    loss: RestorationLossConfig = RestorationLossConfig()

    @model_validator(mode="after")
    def _learns_from_what_there_is(self) -> Self:
        if not self.clean_targets and self.model.residual:
            raise ValueError(
                "model.residual adds the input to the output, and clean_targets = false hides pixels that "
                "the network must guess: set model.residual to false"
            )
        return self

    def refuse_ignored(self) -> None:
        """Raise where the recipe says what nothing would read; see `Recipe.refuse_ignored`."""
        super().refuse_ignored()
        if not self.clean_targets and self.training.metric != "loss":
            raise ValueError(
                f"training.metric = {self.training.metric!r} compares with clean pictures, and clean_targets "
                "= false says that there are none: leave it out"
            )


class DetectionRecipe(UNetRecipe):
    """A recipe for finding what does not belong, learnt from good pictures alone.

    Attributes:
        defects: that are made on good pictures, to be undone.
        removal: removes squares, to be restored from what is around them, in place of defects to be undone
            (RIAD; Zavrtanik et al. 2021b).
        judge: a second U-Net that reads a picture and what the first made of it, and learns where the defects
            are (DRAEM; Zavrtanik et al. 2021); the map is then what it says, whatever `map.differences` is.
        map: how a picture and what the network makes of it are compared.
        loss: its parts.
        judge_loss: that of the judge, which is added.
        false_alarms: share of good pictures that may be reported; sets the threshold.
    """

    task: Literal["anomaly-detection"]
    defects: DefectConfig = DefectConfig()
    removal: RemovalConfig | None = None
    judge: UNetConfig | None = None
    map: AnomalyMapConfig = AnomalyMapConfig()
    loss: RestorationLossConfig = RestorationLossConfig()
    judge_loss: SegmentationLossConfig = SegmentationLossConfig(dice=0.0, focusing=2.0)
    false_alarms: float = Field(default=0.01, gt=0.0, lt=1.0)

    @property
    def network(self) -> str:
        """The network, in the words of a model card."""
        return super().network + ("" if self.judge is None else ", and one that judges what it restored")

    @model_validator(mode="after")
    def _judges_defects(self) -> Self:
        if self.judge is not None and self.removal is not None:
            raise ValueError(
                "a judge learns from defects that are made, and [removal] makes none: leave one of them out"
            )
        if self.judge_loss.boundary:
            raise ValueError("judge_loss.boundary weighs pixels between objects: defects are not told apart")
        if self.judge_loss.class_weights is not None and len(self.judge_loss.class_weights) != 2:
            raise ValueError("judge_loss.class_weights: give two numbers, for good pixels and for defects")
        return self
