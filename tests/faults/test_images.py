"""FAULTS, group B: what damaged, hostile and unusual image files must get."""

import ast
import contextlib
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import encode, files, oriented, photo
from PIL import Image, ImageFile

import reid
from reid.data.images import check_images, decode_image, read_image
from reid.data.transforms import TestTransform
from reid.errors import DataError, MissingInputError

PACKAGE = Path(reid.__file__).parent
TESTS = Path(__file__).parents[1]


def run(script: str, *arguments: str, timeout: float = 100) -> str:
    """The output of Python code in a process of its own, which must end well."""
    path = os.pathsep.join([str(PACKAGE.parent), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def refused(content: bytes, **options: float) -> str:
    """What the refusal of a file says after its name."""
    with pytest.raises(DataError, match=r"cannot read image some\.jpg: ") as caught:
        decode_image(content, "some.jpg", **options)
    return str(caught.value).split(": ", 1)[1]


@pytest.mark.parametrize("kind", files())
def test_b1_truncated(kind):
    """Cut at any of 100 places, a file is refused, or gives exactly the whole picture."""
    content = files()[kind]
    whole = decode_image(content, kind)
    for end in np.linspace(0, len(content) - 1, 100).astype(int):
        part = None
        with contextlib.suppress(DataError):
            part = decode_image(content[:end], kind)
        assert part is None or np.array_equal(part, whole), end


def test_b1_downloaded_in_part(tmp_path):
    """A file whose last half is still zeros, as an interrupted download leaves it, is refused, and a check names it."""
    for number, (kind, content) in enumerate(files().items()):
        path = tmp_path / f"{number}.img"
        path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
        if kind in {"WebP", "BMP", "PPM"}:
            path.unlink()  # zeros are pixels there, and nothing marks the end
            continue
        with pytest.raises(DataError, match=path.name):
            read_image(path)
    paths = sorted(tmp_path.iterdir())
    assert list(check_images(paths)) == paths


def test_b2_mutants():
    """Damaged files become a picture or a DataError with the name in it: no crash, no hang, no other error."""
    script = (TESTS / "faults" / "mutate_images.py").read_text()
    assert len(run(script, "150", "1").splitlines()) == len(files())


def test_b2_check_reports_damage_that_decoders_gloss_over(tmp_path):
    """Coded data that ends too early is filled with grey by every JPEG decoder; a check reports it all the same."""
    content = files()["JPEG"]
    path = tmp_path / "grey.jpg"
    path.write_bytes(content[: len(content) * 2 // 3] + b"\xff\xd9")
    assert "premature end" in check_images([path])[path]


def test_b3_no_decoder_of_torchvision():
    """torchvision's PNG decoder can bring the process down: nothing here imports torchvision.io."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            module = getattr(node, "module", None) or ""
            assert not any(f"{module}.{name}".strip(".").startswith("torchvision.io") for name in names), path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (bytes(5000), "nothing but zero bytes"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "looks like HTML"),
        (b"<HTML><head><title>Login</title>", "looks like HTML"),
        (b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg'/>", "looks like SVG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS pointer"),
        (b"PK\x03\x04\x14\x00\x00\x00", "zip archive"),
        (b"\x00\x00\x00\x20ftypavif\x00\x00", "AVIF"),
        (b"Not found\n", "looks like text"),
        (b"\x8a\x01\x02\x03\x04\x05\x06\x07\x08", "8a 01 02 03"),
    ],
)
def test_b4_no_image(content, words):
    """What is no image is named, with what it looks like."""
    assert words in refused(content)


def test_b5_cannot_be_read(tmp_path):
    """A missing file, a folder, a pipe and an impossible name are missing input, with the system's words."""
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    for path, words in (
        (tmp_path / "none.jpg", "No such file"),
        (tmp_path, "Is a directory"),
        (pipe, "no regular file"),
        (tmp_path / ("x" * 300), "name too long"),
        (tmp_path / "a\0b.jpg", "null byte"),
    ):
        with pytest.raises(MissingInputError, match=words) as caught:
            read_image(path)
        assert caught.value.exit_code == 66
        assert path.name[:9].partition("\0")[0] in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_b5_no_permission(tmp_path):
    """A file without permission is missing input."""
    path = tmp_path / "secret.jpg"
    path.write_bytes(files()["JPEG"])
    path.chmod(0)
    with pytest.raises(MissingInputError, match=r"secret\.jpg: Permission denied"):
        read_image(path)


@pytest.mark.parametrize("extension", [".png", ".tiff", ".pgm"])
def test_b6_sixteen_bit_grey(extension):
    """16-bit grey keeps its high byte: 32,768 becomes 128, not 255."""
    ramp = np.linspace(0, 65535, 64 * 32).reshape(32, 64).astype(np.uint16)
    pixels = decode_image(cv2.imencode(extension, ramp)[1].tobytes(), "ramp")
    assert np.array_equal(pixels, np.repeat((ramp >> 8).astype(np.uint8)[..., None], 3, axis=2))


def test_b7_one_rule_for_every_mode():
    """Twelve kinds of pixels become RGB by the documented rules, within 2 of 255."""
    picture = Image.fromarray(photo(40, 32))
    rgb, grey = np.asarray(picture).astype(float), np.asarray(picture.convert("L")).astype(float)
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, 32).astype(np.uint8), (40, 1)))
    share = np.asarray(alpha)[..., None] / 255
    palette = picture.quantize(64)
    of_palette = np.asarray(palette.convert("RGB")).astype(float)
    cmyk = picture.convert("CMYK")
    ink = np.asarray(cmyk).astype(float)
    see_through = np.where((np.asarray(palette) == 3)[..., None], 255, of_palette)
    with_alpha, grey_alpha = picture.copy(), picture.convert("L")
    with_alpha.putalpha(alpha)
    grey_alpha.putalpha(alpha)
    luma, blue, red = np.moveaxis(np.asarray(picture.convert("YCbCr")).astype(float), 2, 0)
    green = luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128)
    from_ycbcr = np.stack([luma + 1.402 * (red - 128), green, luma + 1.772 * (blue - 128)], axis=2).clip(0, 255)
    deep = (np.asarray(picture).astype(np.uint16) << 8) + 77
    cases = {
        "RGB": (encode(picture, "PNG"), rgb),
        "grey": (encode(picture.convert("L"), "PNG"), grey[..., None]),
        "1 bit": (encode(picture.convert("1"), "PNG"), np.asarray(picture.convert("1"))[..., None] * 255.0),
        "palette": (encode(palette, "PNG"), of_palette),
        "palette, one colour transparent": (encode(palette, "PNG", transparency=3), see_through),
        "RGBA": (encode(with_alpha, "PNG"), share * rgb + (1 - share) * 255),
        "grey with alpha": (encode(grey_alpha, "PNG"), share * grey[..., None] + (1 - share) * 255),
        "CMYK": (encode(cmyk, "TIFF"), (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255),
        "CMYK JPEG": (
            encode(cmyk, "JPEG", quality=100, subsampling=0),
            (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255,
        ),
        "16-bit RGB PNG": (cv2.imencode(".png", deep[..., ::-1])[1].tobytes(), rgb),
        "16-bit RGB TIFF": (cv2.imencode(".tiff", deep[..., ::-1])[1].tobytes(), rgb),
        "YCbCr TIFF": (encode(picture.convert("YCbCr"), "TIFF"), from_ycbcr),
    }
    for name, (content, wanted) in cases.items():
        pixels = decode_image(content, name)
        assert pixels.dtype == np.uint8
        error = np.abs(pixels - np.broadcast_to(wanted, rgb.shape))
        assert error.max() <= (6 if name == "CMYK JPEG" else 2), name
        assert error.mean() <= 2, name


def test_b7_numbers_without_a_range():
    """Fractional and 32-bit pixels are refused, because nothing says what white is."""
    for mode in ("F", "I"):
        assert "save it with 8 or 16 bits" in refused(encode(Image.new(mode, (20, 20)), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_b8_orientation(kind, orientation):
    """However the camera was held, the picture is upright, and the network's input has the same bytes."""
    upright = photo(48, 32)
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: np.rot90,
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = np.ascontiguousarray(undo[orientation](upright))
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    pixels = decode_image(oriented(stored, kind, orientation, **lossless), "turned")
    assert pixels.flags.c_contiguous
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).max() <= (6 if kind == "JPEG" else 0)
    if kind != "JPEG":
        view = TestTransform((32, 32))
        assert view(pixels).tobytes() == view(upright).tobytes()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_b9_animated(kind):
    """Of several frames the first is taken, with one warning that names the file."""
    first, second = (Image.fromarray(photo(24, 20, seed)).quantize(16) for seed in (1, 2))
    if kind != "GIF":
        first, second = first.convert("RGB"), second.convert("RGB")
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encode(first, kind, save_all=True, append_images=[second], **options)
    with pytest.warns(UserWarning, match="moving has several frames") as caught:
        pixels = decode_image(content, "moving")
    assert len(caught) == 1
    assert np.array_equal(pixels, np.asarray(first.convert("RGB")))


def png_part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bombs() -> dict[str, bytes]:
    """20 small files that claim, and one that really holds, more pixels than anybody wants."""
    made = {}
    jpeg = files()["JPEG"]
    frame = jpeg.index(b"\xff\xc0\x00\x11\x08")
    for side in (8100, 20000, 40000, 65535):
        header = png_part(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        data = zlib.compress(bytes((side // 8 + 2) * (side if side < 10000 else 100)))
        made[f"png {side}"] = b"\x89PNG\r\n\x1a\n" + header + png_part(b"IDAT", data) + png_part(b"IEND", b"")
        made[f"jpeg {side}"] = jpeg[: frame + 5] + struct.pack(">HH", side, side) + jpeg[frame + 9 :]
        made[f"gif {side}"] = b"GIF89a" + struct.pack("<HH", side, side) + files()["GIF"][10:]
        bmp = files()["BMP"]
        made[f"bmp {side}"] = bmp[:18] + struct.pack("<ii", side, side) + bmp[26:]
    made["ppm"] = b"P6 60000 60000 255\n" + bytes(1000)
    tags = [
        (256, 30000),
        (257, 30000),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 30000),
        (279, 900000000),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    made["tiff"] = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + bytes(4)
    made["webp x"] = b"RIFF\x64\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\x00" * 2 + bytes(100)
    made["webp l"] = b"RIFF\x64\0\0\0WEBPVP8L\x64\0\0\0\x2f" + (16383 | 16383 << 14).to_bytes(4, "little") + bytes(100)
    return made


def test_b10_pixel_bombs(tmp_path):
    """20 bombs are refused with their size in the message, by their headers alone: memory grows by less than 50 MB."""
    every = bombs()
    assert len(every) == 20
    for name, content in every.items():
        (tmp_path / name).write_bytes(content)
        assert len(content) < 3_000_000
    script = """if True:
        import resource, sys
        from pathlib import Path
        from reid.data.images import read_image, decode_image
        from reid.errors import DataError
        from pictures import files
        for kind, content in files().items():
            decode_image(content, kind)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for path in sorted(Path(sys.argv[1]).iterdir()):
            try:
                read_image(path)
            except DataError as error:
                print(path.name, "|", error)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    *lines, growth = run(script, str(tmp_path)).splitlines()
    assert len(lines) == 20
    for line in lines:
        assert "limit of 64 megapixels" in line or "claims" in line, line
    assert int(growth) < 50_000


def test_b10_limit_is_an_argument():
    """The limit on the size is the caller's."""
    content = files()["PNG"]
    assert "limit of 0.002 megapixels" in refused(content, max_megapixels=0.002)
    assert decode_image(content, "fits", max_megapixels=0.003).shape == (60, 50, 3)


@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "grey JPEG", "CMYK JPEG"])
def test_b11_jpeg_with_too_few_bytes(kind):
    """A 6 KB JPEG that claims 8000 x 8000 pixels cannot hold them, and is refused."""
    content = files()[kind]
    frame = next(content.index(marker) for marker in (b"\xff\xc0\x00", b"\xff\xc2\x00") if marker in content)
    forged = content[: frame + 5] + struct.pack(">HH", 8000, 8000) + content[frame + 9 :]
    assert "claims 8000 x 8000 pixels" in refused(forged)


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_b11_no_real_jpeg_is_refused(mode, options):
    """Even the emptiest real pictures, of one colour and packed as tightly as can be, hold enough bytes."""
    for size in ((8, 8), (100, 9), (1000, 1000)):
        blank = Image.new(mode, size)
        assert decode_image(encode(blank, "JPEG", quality=1, **options), "blank").shape == (*size[::-1], 3)


def test_b12_odd_sizes():
    """Pictures below 8 pixels, or a hundred times longer than wide, are refused with the rule; small ones are not."""
    for size in ((1, 1), (1, 20000), (20000, 1), (7, 9), (8, 801)):
        for kind in ("PNG", "JPEG", "GIF", "BMP"):
            reason = refused(encode(Image.new("RGB", size, "red"), kind))
            assert f"{size[0]} x {size[1]} pixels; at least 8 on either side" in reason
    for size in ((8, 8), (8, 800), (12, 30)):
        for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
            pixels = decode_image(encode(Image.new("RGB", size, (200, 30, 90)), kind), "flat")
            assert pixels.shape == (*size[::-1], 3)
            assert np.abs(pixels.reshape(-1, 3).astype(int) - (200, 30, 90)).max() <= 3


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
def test_b13_reading_fails():
    """An input/output error is tried again twice, and then reported: never an endless loop."""
    begin = time.monotonic()
    with pytest.raises(MissingInputError, match="/proc/self/mem: Input/output error"):
        read_image(Path("/proc/self/mem"))
    assert 0.3 <= time.monotonic() - begin < 5


def test_other_errors_are_not_tried_again(tmp_path):
    """A missing file is reported at once."""
    begin = time.monotonic()
    with pytest.raises(MissingInputError):
        read_image(tmp_path / "none.jpg")
    assert time.monotonic() - begin < 0.09


def test_settings_of_pillow_are_left_alone():
    """Reading images changes nothing for other users of Pillow in the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, content in files().items():
            decode_image(content, kind)
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
