"""How good a picture is: PSNR, SSIM and LPIPS of one image, Keras metrics that agree, and whole benchmark sets."""

from . import perceptual
from .evaluation import Method, Scores, Upscaler, bicubic_psnr, evaluate, save, summarise, table, upscaler
from .images import PSNR, SSIM, luma, psnr, ssim
from .perceptual import lpips
