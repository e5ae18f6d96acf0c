r"""Train a small detector on generated images, and write its curve to bench/tables/detection.csv.

    python -m bench.detection --out FOLDER                 # images and a run, in minutes
    python -m bench.detection --out FOLDER --images-only   # the images alone

500 images of 128 x 128 pixels, a fifth of them to evaluate, in COCO's format: two shapes and three
kinds of digits (from scikit-learn, enlarged), one to four an image, on textured ground. A training
that was stopped is continued. It is that of

    nasdsl train small.cell --N 1 --cell-filters 16 --stem-filters 32 --task detection \
        --data coco:IMAGES --out RUN
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

import nasdsl
from nasdsl.detection.coco import coco_folder
from nasdsl.detection.epochs import DetectionEpoch
from nasdsl.detection.recipe import detection_recipe
from nasdsl.detection.run import begin_detection, plan_detection, recorded_detection
from nasdsl.detection.run_kind import is_detection_run
from nasdsl.detection.training import train_detection
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading.cells import source_cells

#: A small cell of NASNet's space.
CELL = """
genotype small
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity,     add)
    b1 = (h[i], b0,     avg_pool_3x3, sep_conv_3x3, add)
}

cell reduction {
    b0 = (h[i], h[i-1], sep_conv_3x3, max_pool_3x3, add)
    b1 = (h[i], b0,     max_pool_3x3, identity,     add)
}
"""
SIZE, LEAST, MOST = 128, 28, 56
#: Numbers with gaps, as COCO's have.
KINDS = {3: "disc", 7: "triangle", 8: "zero", 20: "one", 90: "four"}
_DIGITS = {"zero": 0, "one": 1, "four": 4}
TABLE = Path(__file__).parent / "tables" / "detection.csv"


def write_images(folder: Path, count: int = 500, seed: int = 0) -> None:
    """Write the images and both files of annotations, a fifth of them to evaluate."""
    draw = np.random.default_rng(seed)
    digits = load_digits()
    parts = {"train": count - count // 5, "val": count // 5}
    (folder / "annotations").mkdir(parents=True)
    number = 0
    for part, size in parts.items():
        (folder / part).mkdir()
        images, annotations = [], []
        for place in range(size):
            picture, objects = _picture(draw, digits)
            name = f"{place:06}.png"
            picture.save(folder / part / name)
            images.append({"id": place, "file_name": name, "width": SIZE, "height": SIZE})
            for kind, (x, y, w, h) in objects:
                number += 1
                annotations.append(
                    {
                        "id": number,
                        "image_id": place,
                        "category_id": kind,
                        "bbox": [x, y, w, h],
                        "area": w * h,
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": key, "name": name} for key, name in KINDS.items()]
        document = {"images": images, "annotations": annotations, "categories": categories}
        path = folder / "annotations" / f"instances_{part}.json"
        path.write_text(json.dumps(document), encoding="utf-8")


def _picture(
    draw: np.random.Generator, digits: object
) -> tuple[Image.Image, list[tuple[int, tuple[int, int, int, int]]]]:
    coarse = draw.integers(40, 150, (SIZE // 8, SIZE // 8, 3), dtype=np.uint8)
    ground = np.asarray(Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    noise = draw.integers(-20, 21, ground.shape)
    picture = Image.fromarray(np.clip(ground + noise, 0, 255).astype(np.uint8))
    objects: list[tuple[int, tuple[int, int, int, int]]] = []
    for _ in range(int(draw.integers(1, 5))):
        kind, name = list(KINDS.items())[draw.integers(len(KINDS))]
        side = int(draw.integers(LEAST, MOST + 1))
        x, y = (int(each) for each in draw.integers(0, SIZE - side, 2))
        if any(_overlap((x, y, side, side), box) for _, box in objects):
            continue
        colour = tuple(int(each) for each in draw.integers(170, 256, 3))
        mask = _mask(name, side, draw, digits)
        left, upper, right, lower = mask.getbbox() or (0, 0, side, side)
        picture.paste(colour, (x, y), mask)
        objects.append((kind, (x + left, y + upper, right - left, lower - upper)))
    return picture, objects


def _mask(name: str, side: int, draw: np.random.Generator, digits: object) -> Image.Image:
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    if name == "disc":
        pen.ellipse((0, 0, side - 1, side - 1), fill=255)
    elif name == "triangle":
        pen.polygon([(side // 2, 0), (side - 1, side - 1), (0, side - 1)], fill=255)
    else:
        which = np.flatnonzero(digits.target == _DIGITS[name])  # type: ignore[attr-defined]
        pixels = digits.images[draw.choice(which)]  # type: ignore[attr-defined]
        small = Image.fromarray((pixels * 255 / 16).astype(np.uint8))
        large = small.resize((side, side), Image.Resampling.BICUBIC)
        mask = large.point(lambda value: 255 if value > 100 else 0)
    return mask


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--images-only", action="store_true")
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--cell-filters", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE, help="where the curve is written")
    options = parser.parse_args()
    path = options.out / "run"
    if not is_detection_run(path):
        write_images(options.out / "images", options.images)
        if options.images_only:
            return
        job = plan_detection(
            source_cells(nasdsl.loads(CELL)),
            coco_folder(f"coco:{options.out / 'images'}"),
            detection_recipe("detection_quick", options.changes),
            Settings(N=1, cell_filters=options.cell_filters, stem_filters=32),
            seed=options.seed,
            device="cpu",
        )
        begin_detection(path, job, ["python", "-m", "bench.detection"])
    job = recorded_detection(path)
    data = coco_folder(job.data)
    start, cpu = time.perf_counter(), time.process_time()

    def print_epoch(epoch: DetectionEpoch) -> None:
        found = epoch.precision or {}
        ap, ap50 = found.get("ap") or 0.0, found.get("ap50") or 0.0
        print(f"| {epoch.epoch} | {epoch.loss:.3f} | {ap:.3f} | {ap50:.3f} |", flush=True)

    print("| epoch | loss | AP | AP50 |\n|---:|---:|---:|---:|")
    history = train_detection(path, job, data, on_epoch=print_epoch)
    seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    print(f"\n{seconds:.0f} s, {spent:.0f} s of processor time")
    with options.table.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["epoch", "step", "loss", "ap", "ap50", "ap75", "seconds"])
        for each in history:
            found = each.precision or {}
            figures = [f"{found[name] or 0:.4f}" for name in ("ap", "ap50", "ap75")]
            rows.writerow(
                [each.epoch, each.step, f"{each.loss:.4f}", *figures, f"{each.seconds:.1f}"]
            )


if __name__ == "__main__":
    main()
