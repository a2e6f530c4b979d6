"""``regard look latent``: what the bottleneck of a U-Net holds of a picture."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.inputs import check_kept
from regard.cli.views import check_new, tell_saved
from regard.errors import UserError


def latent(
    model: options.Model,
    picture: options.OnePicture,
    out: Annotated[Path, typer.Option(help="Where to: .png, .svg or .pdf.", show_default=False)],
    device: options.Device = None,
    force: options.Force = False,
) -> None:
    """Draws the latent of a U-Net over a picture: three principal components, and the strongest channels.

    The latent is all that the decoder gets without skip connections. The strongest channels are those that
    vary most over the picture."""
    check_new(out, force)
    check_kept(out, [picture])
    from regard.lens.latent import latent_of
    from regard.lens.latent_picture import latent_picture
    from regard.lens.picture import check_picture_path
    from regard.models.images.unet import UNet
    from regard.tasks import load
    from regard.tasks.images.windows import WHOLE

    check_picture_path(out)
    predictor = load(model, device=device)
    if not isinstance(predictor.model, UNet):
        raise UserError(f"{model}: a latent is that of a U-Net; this model's task is {predictor.task}")
    image = predictor(picture).image
    if image[0].numel() > WHOLE:
        raise UserError(
            f"{picture}: a picture of {image[0].numel():,} pixels; the latent is of one that a network sees "
            f"whole: cut out a piece of at most {WHOLE:,}"
        )
    latent_picture(image, latent_of(predictor.model, image), out, title=f"The latent: {picture.name}")
    tell_saved(out)
