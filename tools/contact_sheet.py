"""Draw data/contact_sheet.webp: all photographs by number, those that validate in a frame. Run it in the root."""

from pathlib import Path

from PIL import Image, ImageDraw

import srhelpers as sr

SIDE, COLUMNS = 72, 18

files = sorted(Path("data/photos").glob("*.jpg"))
validation = set(sr.datasets.split("photos")[1])
sheet = Image.new("RGB", (COLUMNS * SIDE, -(-len(files) // COLUMNS) * SIDE))
draw = ImageDraw.Draw(sheet)
for number, file in enumerate(files):
    left, top = number % COLUMNS * SIDE, number // COLUMNS * SIDE
    sheet.paste(Image.open(file).resize((SIDE, SIDE), Image.Resampling.BOX), (left, top))
    draw.text((left + 3, top + 2), file.stem, "white", stroke_width=1, stroke_fill="black")
    if file.name in {Path(name).name for name in validation}:
        draw.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), outline="#E69F00", width=4)
sheet.save("data/contact_sheet.webp", quality=80)
