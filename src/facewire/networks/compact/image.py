"""The compact model's F and G: source features, and the frame made of what the warp brings.

Detail is moved, not remembered: the source picture itself and its features at 1/2 and 1/4 size are warped
along the visible surface, a small 3-D volume along the whole flow, and the generator joins them and repairs what
was hidden. Per pixel it chooses among three pictures: the source warped by the whole flow, the source moved as the
head moves, and the source left where it is. At the edge of a head, where the whole flow mixes two motions, one
of the other two is sharp and straight. What opens and was closed in the source (openings.py) is in none of them:
there the generator sees nothing of the source, shows none of the three and paints.

    F: picture 256 -> 24 x 128^2 -> 48 x 64^2 -> volume 16 x 8 x 32^2           once per source
                       ->  7 x 128^2 -> 12 x 64^2                               what G reads of them
    G: volume' 32 -> 64 <- features' 64 -> 128 <- features' 128, pictures' 256  per frame
                     openings -^           openings -^
       -> shares and repair, 24 channels at 128, shuffled to 256
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.warp import resize_flow, warp_image, warp_volume
from facewire.networks.compact import openings as opening
from facewire.networks.compact.config import CompactConfig
from facewire.networks.compact.field import COMPRESSED, SurfaceField
from facewire.networks.composition import Layers

VOLUME_CHANNELS = 16
VOLUME_DEPTH = 8
VOLUME_SIDE = 32
HALF, QUARTER, EIGHTH = 24, 48, 96
"""Channels of the source features at 1/2, 1/4 and 1/8 of the picture."""
HALF_READ, QUARTER_READ = 7, 12
"""Combinations of the first two that the generator reads: with 24 and 48 the pictures are no better (docs/lab)."""
MOVED = HALF_READ + 4 * 3 + 3 + 3 + opening.CHANNELS
"""Channels at 1/2 that the generator gets beside its own: features, the warped picture, means of the two others,
openings. 31; processors multiply 32 at a time."""
SHARE_BIAS = (3.0, -1.0, -1.0)
"""Of the logits of whole flow, head and stillness, against 0 for none of them: an untrained generator shows the
warped picture. The repair is added, not one of the choices: a choice's gradient dies as soon as another one
saturates, and the warped picture's does within 100 steps (docs/lab)."""

COLOURS, OUTLINE = 2, 5
"""Cells of 128 around a place: from there the repair near an outline takes its colours, and so near is near."""
TURNED = 10.0, 22.0
"""Degrees by which a face looks elsewhere than in the source: up to which its outlines are painted, and from which
they are cut out."""

HIDDEN = {opening.NEW_MOUTH: 8.0, opening.NEW_EYES: 5.0}
"""What an untrained generator takes from those logits where mouth and eyes open that are closed in the source."""


def keep_variance(module: nn.Module) -> None:
    """Initialise every convolution so that ReLU layers keep the size of their signals (He et al. 2015).

    There is no normalisation to restore it; torch's own default shrinks it by 2.4 per layer.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for layer in module.modules():
        if isinstance(layer, Residual):
            nn.init.zeros_(layer.second.weight)


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))), the last convolution starting at zero; no normalisation to pay for."""

    def __init__(self, channels: int, inner: int | None = None) -> None:
        """Build it with `inner` channels between the convolutions; by default as many as around them."""
        super().__init__()
        inner = inner or channels
        self.first = nn.Conv2d(channels, inner, 3, padding=1)
        self.second = nn.Conv2d(inner, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(F.relu(self.first(F.relu(x))))
        return out


class CompactAppearance(nn.Module):
    """F: everything the receiver ever reads from the source picture."""

    def __init__(self) -> None:
        super().__init__()
        self.enter128 = nn.Conv2d(3, HALF, 5, stride=2, padding=2)
        self.block128 = Residual(HALF)
        self.enter64 = nn.Conv2d(HALF, QUARTER, 3, stride=2, padding=1)
        self.block64 = Residual(QUARTER)
        self.enter32 = nn.Conv2d(QUARTER, EIGHTH, 3, stride=2, padding=1)
        self.block32 = Residual(EIGHTH)
        self.volume = nn.Conv2d(EIGHTH, VOLUME_CHANNELS * VOLUME_DEPTH, 1)
        self.read_half = nn.Conv2d(HALF, HALF_READ, 1)
        self.read_quarter = nn.Conv2d(QUARTER, QUARTER_READ, 1)
        self.compress = nn.Conv2d(QUARTER, COMPRESSED, 1)
        keep_variance(self)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return (half, quarter, volume, compressed) features of pictures (B, 3, 256, 256)."""
        half = self.block128(self.enter128(image))
        quarter = self.block64(self.enter64(F.relu(half)))
        eighth = self.block32(self.enter32(F.relu(quarter)))
        flat = self.volume(F.relu(eighth))
        volume = flat.view(flat.shape[0], VOLUME_CHANNELS, VOLUME_DEPTH, *flat.shape[2:])
        return self.read_half(half), self.read_quarter(quarter), volume, self.compress(F.relu(quarter))


@torch.no_grad()
def hide_what_opens(weight: Tensor) -> None:
    """Start the layer from openings to the last 4 x (3 + 3) channels: no picture is shown where something opens.

    The shares must fall before anything painted there is seen; left to learn that, the generator goes on showing
    stretched lips (docs/lab).
    """
    weight.zero_()
    for channel, strength in HIDDEN.items():
        weight[4 * 3 :, channel] = -strength


@dataclass(frozen=True, slots=True)
class GeneratedParts:
    """What the generator says of a frame; four pixels of a square lie one behind the other, cells are 128 x 128.

    pictures  N candidates (B, 3, 4, 128, 128)
    shares    (B, N + 1, 4, 128, 128), the last of none of them
    repair    (B, 3, 4, 128, 128)
    warped    (B, 3, 256, 256) the first candidate
    matte     (B, 1, 256, 256) its person, where there are layers
    mirror    whether the second candidate is mirrored where the field says so
    """

    pictures: tuple[Tensor, ...]
    shares: Tensor
    repair: Tensor
    warped: Tensor
    matte: Tensor | None = None
    mirror: bool = False

    def frame(self) -> Tensor:
        """Return the frame (B, 3, 256, 256); it may leave [0, 1] a little."""
        return unfolded(self.folded())

    def folded(self) -> Tensor:
        """Return the frame (B, 3, 4, 128, 128), four pixels of a square one behind the other."""
        return self.shown() + self.repair

    def shown(self) -> Tensor:
        """Return what the candidates show, each with its share, (B, 3, 4, 128, 128)."""
        shown = self.shares[:, :1] * self.pictures[0]
        for number, picture in enumerate(self.pictures[1:], start=1):
            shown = shown + self.shares[:, number : number + 1] * picture
        return shown


def unfolded(maps: Tensor) -> Tensor:
    """Return maps (B, C, 4, 128, 128) as (B, C, 256, 256)."""
    return F.pixel_shuffle(maps.flatten(1, 2), 2)


class CompactGenerator(nn.Module):
    """G: warps the source along the field and finishes the frame."""

    share_bias: Tensor

    def __init__(self, config: CompactConfig) -> None:
        """Build the network; with `mirror` the mirrored source is shown where it is better."""
        super().__init__()
        self.mirror = config.mirror
        self.enter32 = nn.Conv2d(VOLUME_CHANNELS * VOLUME_DEPTH, 128, 3, padding=1)
        self.blocks32 = nn.Sequential(*(Residual(128, config.inner32) for _ in range(2)))
        self.enter64 = nn.Conv2d(128 + QUARTER_READ + 1 + opening.CHANNELS, 64, 3, padding=1)
        self.block64 = Residual(64, config.inner64)
        self.enter128 = nn.Conv2d(64 + MOVED, 32, 3, padding=1)
        self.blocks128 = nn.Sequential(*(Residual(32, config.inner128) for _ in range(2)))
        self.finish = nn.Conv2d(32, 4 * (3 + len(SHARE_BIAS)), 3, padding=1)
        self.opened = nn.Conv2d(opening.CHANNELS, 4 * (3 + len(SHARE_BIAS)), 1, bias=False)
        self.register_buffer("share_bias", torch.tensor(SHARE_BIAS)[:, None, None, None], persistent=False)
        keep_variance(self)
        nn.init.normal_(self.finish.weight, std=0.01)
        hide_what_opens(self.opened.weight)

    def _second_flow(self, field: SurfaceField, size: int) -> Tensor:
        """Return where the second picture is read: on the head's surface, or on its mirror image where that is shown.

        One picture for both saves a read; where one flow gives way to the other the mirror's share is 0, so there is
        no seam. Enlarged before it is chosen: between the two lies nothing.
        """
        if not self.mirror:
            return field.head
        head, mirrored, share = (
            resize_flow(part, size, size) for part in (field.head, field.mirrored, field.mirror)
        )
        return torch.where(share > 0, mirrored, head)

    def forward(
        self,
        image: Tensor,
        features: tuple[Tensor, Tensor, Tensor],
        field: SurfaceField,
        openings: Tensor,
        layers: Layers | None = None,
        turned: Tensor | None = None,
        away: Tensor | None = None,
    ) -> GeneratedParts:
        """Return what the frame is put together from.

        Args:
            image: (B, 3, 256, 256) source picture.
            features: (half, quarter, volume) of `CompactAppearance`.
            field: what M says about the driving frame.
            openings: (B, 6, 128, 128) where mouth and eyes stand open (openings.py).
            layers: of the source picture; without them its background moves along.
            turned: (B,) cosine of the angle by which the face looks elsewhere than in the source; needed with layers.
            away: (B, 1, 128, 128) what lies around eyes that turn away (openings.py); needed with layers.
        """
        half, quarter, volume = features
        surface = field.surface()
        planes = warp_volume(volume, field.volume(VOLUME_DEPTH, VOLUME_SIDE)).flatten(1, 2)
        x = self.blocks32(F.relu(self.enter32(planes)))

        shown = field.occlusion.to(quarter.dtype)
        openings64 = F.avg_pool2d(openings, 2)
        at64 = warp_image(quarter, surface) * (shown * _known(openings64))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.block64(F.relu(self.enter64(_joined(x, at64, shown, openings64))))

        size = image.shape[-1]
        at128 = warp_image(half, resize_flow(surface, size // 2, size // 2))
        if layers is None:
            at256 = warp_image(image, resize_flow(surface, size, size))
            head, matte = warp_image(image, resize_flow(field.head, size, size)), None
        else:
            (at256, matte), (head, _) = layers.read(surface), layers.read(self._second_flow(field, size))
        folded = [F.pixel_unshuffle(picture, 2) for picture in (at256, head, image)]
        means = [part.unflatten(1, (3, 4)).mean(dim=2) for part in folded[1:]]
        pictures = (part.to(x.dtype) for part in (folded[0], *means))
        moved = torch.cat((at128, *pictures), dim=1) * _known(openings)
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.blocks128(F.relu(self.enter128(_joined(x, moved, openings))))

        last = (self.finish(F.relu(x)) + self.opened(openings)).unflatten(1, (3 + len(SHARE_BIAS), 4)).float()
        logits = last[:, 3:] + self.share_bias
        shares = torch.softmax(torch.cat((logits, torch.zeros_like(logits[:, :1])), dim=1), dim=1)
        parts = GeneratedParts(
            tuple(picture.unflatten(1, (3, 4)) for picture in folded), shares, last[:, :3], at256, matte
        )
        if layers is None or matte is None:
            return parts
        assert turned is not None, "with layers it must be known how far the face is turned"
        assert away is not None, "with layers it must be known which eyes turn away"
        painted = _painted(turned)
        parts = replace(parts, shares=_where_nobody_is(shares, matte, painted))
        parts = _mirrored(parts, field, openings) if self.mirror else parts
        return _painted_less(parts, matte, painted, away)


def _painted(turned: Tensor) -> Tensor:
    """Return how much of what is painted at outlines is shown, (B, 1, 1, 1): nothing of a head that is turned far.

    Few heads turn so far while the generator learns, and what it paints then is a mean of what might be there.
    """
    most, least = (math.cos(math.radians(degrees)) for degrees in TURNED)
    return ((turned - least) / (most - least)).clamp(0, 1)[:, None, None, None]


def _where_nobody_is(shares: Tensor, matte: Tensor, painted: Tensor) -> Tensor:
    """Return shares in which neither the still picture, the third, nor the second of a head that is turned far shows
    anybody where nobody is now.

    The first picture shows what stands behind there, which is the photo itself wherever that shows it. A second
    outline, half seen beside the first, is what the generator shows where it cannot tell.

    Args:
        shares: (B, 4, 4, 128, 128).
        matte: (B, 1, 256, 256) of the first picture.
        painted: (B, 1, 1, 1), see `_painted`.
    """
    nobody = F.pixel_unshuffle(1 - matte, 2)[:, None]
    first, second, still, none = shares.split(1, dim=1)
    beside, behind = nobody * (1 - painted)[:, None] * second, nobody * still
    return torch.cat((first + beside + behind, second - beside, still - behind, none), dim=1)


def _painted_less(parts: GeneratedParts, matte: Tensor, painted: Tensor, away: Tensor) -> GeneratedParts:
    """Return parts in which the person's outline is cut out by the matte, and eyes that turn away are moved, rather
    than painted: there the first picture stands for what none of them shows.

    Near the outline the repair brings no colour that is not there already: it may move an outline by a few pixels,
    but lines brighter or darker than both sides are what people see as a halo. The less `painted` (B, 1, 1, 1), the
    less of it is shown there at all; behind the person it never is, so what stands there stands still.
    """
    person = F.pixel_unshuffle(matte, 2)
    least, beside = _reached(person.amin(dim=1, keepdim=True), person.amax(dim=1, keepdim=True), OUTLINE)
    inside = _mean(least, OUTLINE)
    kept = ((inside + (1 - inside) * painted * beside) * (1 - away))[:, :, None]
    first, others, none = parts.shares.split((1, parts.shares.shape[1] - 2, 1), dim=1)
    shares = torch.cat((first + (1 - kept) * none, others, kept * none), dim=1)
    repair = kept * (parts.repair + (1 - inside)[:, :, None] * _excess(parts))
    return replace(parts, shares=shares, repair=repair)


def _excess(parts: GeneratedParts) -> Tensor:
    """Return what has to be added to a frame so that none of its colours leaves those of the places around it."""
    first, second = parts.pictures[:2]
    least, most = _reached(
        torch.minimum(first, second).amin(dim=2), torch.maximum(first, second).amax(dim=2), COLOURS
    )
    frame = parts.folded()
    return torch.maximum(torch.minimum(frame, most[:, :, None]), least[:, :, None]) - frame


def _mean(maps: Tensor, reach: int) -> Tensor:
    """Return the mean within `reach` cells of maps (B, C, H, W), along rows, then columns."""
    side = 2 * reach + 1
    along = F.avg_pool2d(maps, (1, side), stride=1, padding=(0, reach), count_include_pad=False)
    return F.avg_pool2d(along, (side, 1), stride=1, padding=(reach, 0), count_include_pad=False)


def _reached(low: Tensor, high: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Return the least value of `low` and the largest of `high`, each (B, C, H, W), within `reach` cells."""
    side = 2 * reach + 1
    both = torch.cat((-low, high), dim=1)
    along = F.max_pool2d(both, (1, side), stride=1, padding=(0, reach))
    least, most = F.max_pool2d(along, (side, 1), stride=1, padding=(reach, 0)).chunk(2, dim=1)
    return -least, most


def _mirrored(parts: GeneratedParts, field: SurfaceField, openings: Tensor) -> GeneratedParts:
    """Return parts in which the second picture, mirrored there, takes its share of all that is not an opening."""
    side = openings.shape[-1]
    share = resize_flow(field.mirror, side, side).permute(0, 3, 1, 2) * _known(openings)
    rest = (1 - share)[:, None]
    first, second, others = (parts.shares * rest).split((1, 1, parts.shares.shape[1] - 2), dim=1)
    shares = torch.cat((first, second + share[:, None], others), dim=1)
    return GeneratedParts(parts.pictures, shares, parts.repair * rest, parts.warped, parts.matte, mirror=True)


def _known(openings: Tensor) -> Tensor:
    """Return how much of what openings (B, 6, H, W) show the source shows too, (B, 1, H, W)."""
    return 1 - openings[:, [opening.NEW_MOUTH, opening.NEW_EYES]].sum(dim=1, keepdim=True)


def _joined(first: Tensor, *others: Tensor) -> Tensor:
    """Return features side by side, in the type of the first.

    Under autocast samplers return float32 with channels first, and one such map would make all of them so: the widest
    convolutions would cast and reorder their input, and its gradient, every time.
    """
    if any(part.dtype != first.dtype for part in others):
        last = torch.channels_last
        others = tuple(part.to(first.dtype).contiguous(memory_format=last) for part in others)
        first = first.contiguous(memory_format=last)
    return torch.cat((first, *others), dim=1)
