"""Time of the second-order degradation for one piece, beside the steps of BasicSR in PyTorch, in one run.

    python benchmarks/degradation.py [--side 256] [--batch 12] [--rounds 9]

BasicSR's steps (Real-ESRGAN's `feed_data` with kernels, `filter2D`, `F.interpolate`, noise, DiffJPEG) are written here
anew: the same operations on the same tensors, a batch at a time, on all cores. Ours takes a piece at a time, on one
core for most of it. Same photos, same ranges, ×4. The sides take turns; shown are medians.
"""

import argparse
import importlib.util
import itertools
import math
import statistics
import time

import cv2
import numpy as np

import srhelpers as sr
from srhelpers.degradations.second_order import GRAY, SECOND, Round, random_kernel

SCALE, WIDEST = 4, 21
LUMA = (
    *((16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55)),
    *((14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62)),
    *((18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92)),
    *((49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99)),
)
CHROMA = np.full((8, 8), 99)  # the JPEG standard's tables
CHROMA[:4, :4] = (17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99)


class BasicSR:
    """A batch (N, 3, H, W) of 0…1 through the steps of BasicSR."""

    def __init__(self, side):
        import torch
        from torch.nn import functional

        self.torch, self.functional, self.side = torch, functional, side
        angles = np.cos((2 * np.arange(8)[:, None] + 1) * np.arange(8) * np.pi / 16)  # pixel, frequency
        alpha = np.array([1 / np.sqrt(2)] + [1] * 7)
        waves = np.einsum("xu,yv->xyuv", angles, angles)
        self.waves = torch.tensor(0.25 * np.outer(alpha, alpha) * waves, dtype=torch.float32)
        self.tables = [torch.tensor(np.array(table), dtype=torch.float32) for table in (LUMA, CHROMA, CHROMA)]
        self.to_ycc = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])

    def __call__(self, batch, rng):
        with self.torch.no_grad():
            small = [self.side // SCALE] * 2
            batch = self.blurred(batch, self.kernels(len(batch), Round().sigma, rng))
            batch = self.noisy(self.resized(batch, [self.side] * 2, Round(), rng), Round(), rng)
            batch = self.through_jpeg(batch, Round(), rng)
            if rng.random() < SECOND.blur:
                batch = self.blurred(batch, self.kernels(len(batch), SECOND.sigma, rng))
            batch = self.noisy(self.resized(batch, small, SECOND, rng), SECOND, rng)
            last = [
                lambda batch: self.through_jpeg(batch, SECOND, rng),
                lambda batch: self.blurred(self.interpolated(batch, small, rng), self.last_kernels(len(batch), rng)),
            ]
            for step in last if rng.random() < 0.5 else last[::-1]:
                batch = step(batch)
            return (batch * 255).round().clamp(0, 255) / 255

    def padded(self, kernels):
        pads = [(WIDEST - len(kernel)) // 2 for kernel in kernels]
        return self.torch.tensor(
            np.stack([np.pad(kernel, pad) for kernel, pad in zip(kernels, pads, strict=True)]), dtype=self.torch.float32
        )

    def kernels(self, count, sigma, rng):
        return self.padded([random_kernel(sigma, rng) for _ in range(count)])

    def last_kernels(self, count, rng):
        sinc = [
            sr.degradations.sinc_kernel(rng.choice(range(7, 22, 2)), rng.uniform(np.pi / 3, np.pi))
            for _ in range(count)
        ]
        return self.padded([kernel if rng.random() < 0.8 else np.ones((1, 1)) for kernel in sinc])

    def blurred(self, batch, kernels):
        count, _, height, width = batch.shape
        half = WIDEST // 2
        padded = self.functional.pad(batch, (half,) * 4, mode="reflect" if min(height, width) > half else "replicate")
        padded = padded.reshape(1, 3 * count, height + 2 * half, width + 2 * half)
        kernels = kernels[:, None].repeat(1, 3, 1, 1).view(3 * count, 1, WIDEST, WIDEST)
        return self.functional.conv2d(padded, kernels, groups=3 * count).reshape(batch.shape)

    def interpolated(self, batch, size, rng):
        return self.functional.interpolate(batch, size=size, mode=str(rng.choice(["area", "bilinear", "bicubic"])))

    def resized(self, batch, size, ranges, rng):
        (least, most), way = ranges.resize, rng.choice(3, p=ranges.directions)
        factor = rng.uniform(*((1, most), (least, 1), (1, 1))[way])
        return self.interpolated(batch, [int(length * factor) for length in size], rng)

    def noisy(self, batch, ranges, rng):
        count, torch = len(batch), self.torch
        gray = (torch.rand(count, 1, 1, 1) < GRAY).float()
        if rng.random() < 0.5:
            least, most = ranges.noise
            sigma = (torch.rand(count, 1, 1, 1) * (most - least) + least) / 255
            one, three = torch.randn(count, 1, *batch.shape[2:]) * sigma, torch.randn(batch.shape) * sigma
        else:
            least, most = ranges.poisson
            weights = torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)
            strength = torch.rand(count, 1, 1, 1) * (most - least) + least
            one, three = (self.counted(seen) * strength for seen in ((batch * weights).sum(1, keepdim=True), batch))
        return (batch + one * gray + three * (1 - gray)).clamp(0, 1)

    def counted(self, seen):
        seen = (seen * 255).round().clamp(0, 255) / 255
        levels = [2.0 ** math.ceil(math.log2(len(self.torch.unique(image)))) for image in seen]
        photons = self.torch.tensor(levels).view(-1, 1, 1, 1)
        return self.torch.poisson(seen * photons) / photons - seen

    def through_jpeg(self, batch, ranges, rng):
        torch, (height, width) = self.torch, batch.shape[2:]
        quality = rng.uniform(*ranges.jpeg, len(batch))
        factors = np.where(quality < 50, 50 / quality, 2 - quality / 50)
        factors = torch.tensor(factors, dtype=torch.float32).view(-1, 1, 1, 1)
        batch = self.functional.pad(batch.clamp(0, 1), (0, -width % 16, 0, -height % 16))
        ycc = torch.tensordot(255 * batch.permute(0, 2, 3, 1), self.to_ycc.T, 1) - torch.tensor([128.0, 0, 0])
        planes = ycc.permute(0, 3, 1, 2)
        halves = [self.functional.avg_pool2d(planes[:, n : n + 1], 2)[:, 0] for n in (1, 2)]
        planes = [self.quantized(p, t, factors) for p, t in zip([planes[:, 0], *halves], self.tables, strict=True)]
        doubled = [plane.repeat_interleave(2, 1).repeat_interleave(2, 2) for plane in planes[1:]]
        ycc = torch.stack([planes[0] + 128, *doubled], 3)
        rgb = torch.tensordot(ycc, torch.linalg.inv(self.to_ycc).T, 1).permute(0, 3, 1, 2)
        return rgb.clamp(0, 255)[:, :, :height, :width] / 255

    def quantized(self, plane, table, factors):
        """In blocks of 8×8, as waves, rounded to the table, and back."""
        torch, (count, height, width) = self.torch, plane.shape
        blocks = plane.view(count, height // 8, 8, width // 8, 8).transpose(2, 3).reshape(count, -1, 8, 8)
        steps = table * factors
        waves = torch.round(torch.tensordot(blocks, self.waves, 2) / steps) * steps
        blocks = torch.tensordot(waves, self.waves.permute(2, 3, 0, 1).contiguous(), 2)
        return blocks.view(count, height // 8, width // 8, 8, 8).transpose(2, 3).reshape(plane.shape)


def check(basicsr, pieces):
    """The copy's JPEG is a JPEG, and its blur a blur."""
    batch = basicsr.torch.tensor(pieces.transpose(0, 3, 1, 2) / 255, dtype=basicsr.torch.float32)
    made = basicsr.through_jpeg(batch, Round(jpeg=(60, 60)), np.random.default_rng(0)).numpy().transpose(0, 2, 3, 1)
    for piece, image in zip(pieces, made, strict=True):
        luma = [sr.metrics.luma(x) for x in (sr.degradations.jpeg(piece, 60), np.uint8(np.rint(255 * image)))]
        difference = np.abs(luma[0].astype(int) - luma[1]).mean()  # colors are upscaled in another way
        if difference > 1.5:
            raise RuntimeError(f"Expected the JPEG of OpenCV, got a picture {difference:.1f} levels off.")
    kernel = sr.degradations.gaussian_kernel(21, (3, 1), 0.5)
    made = basicsr.blurred(batch[:1], basicsr.padded([kernel])).numpy()[0].transpose(1, 2, 0)
    difference = np.abs(cv2.filter2D(pieces[0], -1, kernel, borderType=cv2.BORDER_REFLECT_101) - 255 * made).max()
    if difference > 1:
        raise RuntimeError(f"Expected the blur of OpenCV, got a picture {difference:.1f} levels off.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=256, help="of a piece, in pixels of the high resolution")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    side, rng = arguments.side, np.random.default_rng(0)
    files = itertools.islice(itertools.cycle(sr.datasets.split("photos")[0]), arguments.batch)
    pieces = np.stack([sr.datasets.read_image(file)[:side, :side] for file in files])
    degradation = sr.degradations.SecondOrder()

    sides = {"ours": lambda: [degradation(piece, (side // SCALE,) * 2, rng) for piece in pieces]}
    if importlib.util.find_spec("torch"):
        basicsr = BasicSR(side)
        check(basicsr, pieces)
        batch = basicsr.torch.tensor(pieces.transpose(0, 3, 1, 2) / 255, dtype=basicsr.torch.float32)
        sides["BasicSR's steps in PyTorch"] = lambda: basicsr(batch, rng)
    else:
        print("BasicSR's steps left out: PyTorch is not installed")

    times = {name: [] for name in sides}
    for number in range(arguments.rounds + 1):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            if number:  # the first round warms up
                times[name].append(1000 * (time.perf_counter() - start) / arguments.batch)
    ours = statistics.median(times["ours"])
    print(f"pieces of {side}×{side}, batches of {arguments.batch}, {arguments.rounds} rounds")
    print(f"{'':<27} {'ms/piece':>9} {'lowest':>8} {'highest':>8} {'ours takes':>12}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<27} {median:9.1f} {min(values):8.1f} {max(values):8.1f} {ours / median:11.2f}×")


if __name__ == "__main__":
    main()
