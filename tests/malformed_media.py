"""Media that nobody can decode: name -> (how to make it, what is said of it).

Each maker writes its input into a folder of its own and returns the path to open.
"""

import functools
import os
import random
import socket
import struct
import tempfile
import wave
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from media_files import pictures, write_video
from PIL import Image

from bvsrpp_jax.media.pictures import encode_png

Maker = Callable[[Path], Path]
LOSSLESS = {"codec": "ffv1", "pix_fmt": "yuv420p"}
RAW = {"codec": "rawvideo", "pix_fmt": "yuv420p"}


@functools.cache
def seed(name: str) -> bytes:
    """A small video of each container, whole."""
    kinds = {
        "clip.mp4": {"tracks": 1},
        "fast.mp4": {"tracks": 1, "muxer_options": {"movflags": "faststart"}},
        "fragments.mp4": {"muxer_options": {"movflags": "frag_keyframe+empty_moov"}},
        "clip.mkv": {"tracks": 1, "subtitles": True},
        "clip.avi": {"codec": "mpeg4"},
        "raw.avi": RAW,
        "clip.mpg": {"codec": "mpeg2video"},
        "clip.ts": {},
        "clip.h264": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = write_video(Path(folder) / name, pictures(12), **kinds[name])
        return path.read_bytes()


def folder_of(maker: Maker) -> Maker:
    """The folder that it is in."""
    return lambda folder: maker(folder).parent


def content(name: str, data: bytes | Callable[[], bytes]) -> Maker:
    """A file of these bytes."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data() if callable(data) else data)
        return path

    return make


def cut(name: str, share: float) -> Maker:
    """The first part of a seed."""
    return content(name, lambda: seed(name)[: int(share * len(seed(name)))])


def noise(size: int) -> bytes:
    return random.Random(0).randbytes(size)


def patched(name: str, before: bytes, replacement: bytes, *, skip: int = 0) -> Maker:
    """A seed with other bytes so far behind a mark."""

    def data() -> bytes:
        whole = seed(name)
        place = whole.index(before) + len(before) + skip
        return whole[:place] + replacement + whole[place + len(replacement) :]

    return content(name, data)


def no_media() -> dict[str, tuple[Maker, str]]:
    unread = "is not a video that can be read"
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        "<Period><BaseURL>secret.mp4</BaseURL></Period></MPD>"
    )
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n"

    def beside(name: str, text: str) -> Maker:
        def make(folder: Path) -> Path:
            (folder / "secret.mp4").write_bytes(seed("clip.mp4"))
            return content(name, text.encode())(folder)

        return make

    def archive(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "clip.mp4", "w") as file:
            file.writestr("clip.mp4", seed("clip.mp4"))
        return folder / "clip.mp4"

    return {
        "empty": (content("a.mp4", b""), "is empty"),
        "text": (content("a.mp4", b"a text that is called .mp4\n" * 20), unread),
        "web page": (content("a.mkv", b"<!DOCTYPE html><title>404</title>"), unread),
        "archive": (archive, unread),
        "program": (
            content("a.mp4", b"\x7fELF\2\1\1" + bytes(9) + noise(5000)),
            unread,
        ),
        "noise": (content("a.mp4", noise(20_000)), unread),
        "zeros": (content("a.mkv", bytes(20_000)), unread),
        "HLS of a file": (beside("a.mp4", hls.format("secret.mp4")), unread),
        "HLS of a path": (beside("a.m3u8", hls.format("file:///etc/passwd")), unread),
        "HLS of a URL": (beside("a.m3u8", hls.format("http://127.0.0.1:9/")), unread),
        "ffconcat": (beside("a.mp4", "ffconcat version 1.0\nfile secret.mp4"), unread),
        "DASH": (beside("a.mpd", dash), unread),
        "SDP": (beside("a.sdp", sdp), unread),
    }


def special_files() -> dict[str, tuple[Maker, str]]:
    def pipe(name: str) -> Maker:
        return lambda folder: os.mkfifo(folder / name) or folder / name

    def listening(folder: Path) -> Path:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.fspath(folder / "a.mp4"))  # the name stays
        return folder / "a.mp4"

    def loop(folder: Path) -> Path:
        (folder / "a.mp4").symlink_to("b.mp4")
        (folder / "b.mp4").symlink_to("a.mp4")
        return folder / "a.mp4"

    def endless(name: str) -> Maker:
        def make(folder: Path) -> Path:
            (folder / name).symlink_to("/dev/zero")
            return folder / name

        return make

    def private(folder: Path) -> Path:
        path = content("a.mp4", seed("clip.mp4"))(folder)
        path.chmod(0)
        return path

    odd = "is not an ordinary file"
    return {
        "pipe": (pipe("a.mp4"), odd),
        "pipe as a picture": (folder_of(pipe("a.png")), odd),
        "socket": (listening, odd),
        "links in a circle": (loop, "cannot be read (Too many levels"),
        "endless device": (endless("a.mp4"), odd),
        "endless picture": (endless("a.png"), ""),
        "folder without pictures": (
            folder_of(content("a.txt", b"x")),
            "has no pictures",
        ),
        **({"private": (private, "cannot be read")} if os.geteuid() else {}),
        "missing": (lambda folder: folder / "a.mp4", "cannot be read (No such file"),
    }


def truncated() -> dict[str, tuple[Maker, str]]:
    names = ("clip.mp4", "fast.mp4", "clip.mkv", "clip.avi")
    return {
        f"{name} cut to {share:.2f}": (cut(name, share), "")
        for name in names
        for share in (0.3, 0.97)
    }


def broken_mp4() -> dict[str, tuple[Maker, str]]:
    huge = b"\xff\xff\xff\xff"

    def without_index() -> bytes:
        whole = seed("clip.mp4")
        return whole[: whole.index(b"moov") - 4]

    def nested() -> bytes:
        depth = 20_000
        boxes = (struct.pack(">I4s", 8 * (depth - i), b"moov") for i in range(depth))
        return seed("clip.mp4")[:32] + b"".join(boxes)

    return {
        "MP4 without index": (content("a.mp4", without_index), "is not a video that"),
        "MP4 of nested indexes": (content("a.mp4", nested), ""),
        "MP4 index of zeros": (patched("clip.mp4", b"moov", bytes(600)), ""),
        "MP4 index that is larger": (
            patched("clip.mp4", b"moov", huge, skip=-8),
            "truncated: the file has",
        ),
        "MP4 of many sizes": (patched("clip.mp4", b"stsz", huge, skip=8), ""),
        "MP4 chunks elsewhere": (patched("clip.mp4", b"stco", huge, skip=8), ""),
        "MP4 of endless samples": (patched("clip.mp4", b"stsz", huge, skip=12), ""),
        "MP4 of no codec": (patched("clip.mp4", b"stsd", b"\0\0\0\0", skip=4), ""),
        "MP4 of an unknown codec": (
            patched("clip.mp4", b"stsd", b"xyz1", skip=12),
            "",
        ),
        "MP4 without parameters": (patched("clip.mp4", b"avcC", bytes(40)), ""),
        "MP4 of flipped frames": (patched("clip.mp4", b"mdat", noise(3000)), ""),
    }


def broken_mkv() -> dict[str, tuple[Maker, str]]:
    header = b"\x1a\x45\xdf\xa3"
    segment, cluster = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
    return {
        "Matroska header alone": (content("a.mkv", header + b"\x80"), ""),
        "Matroska of 2^56 bytes": (
            patched("clip.mkv", segment, b"\x01" + b"\xff" * 6 + b"\xfe"),
            "truncated",
        ),
        "Matroska of frames of noise": (
            patched("clip.mkv", cluster, noise(3000), skip=60),
            "",
        ),
        "Matroska tracks of noise": (
            patched("clip.mkv", b"\x16\x54\xae\x6b", noise(400), skip=8),
            "",
        ),
        "Matroska in itself": (
            content(
                "a.mkv", lambda: seed("clip.mkv")[:40] + 5000 * (segment + b"\xff")
            ),
            "",
        ),
    }


def other_containers() -> dict[str, tuple[Maker, str]]:
    packet = b"\x47\x40\x11\x10"
    asf = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    return {
        "transport stream of noise": (
            content("a.ts", b"".join(packet + noise(184) for _ in range(300))),
            "",
        ),
        "H.264 of noise": (content("a.h264", b"\0\0\0\1\x67" + noise(9000)), ""),
        "H.264 without its first frame": (
            content("a.h264", lambda: seed("clip.h264")[len(seed("clip.h264")) // 2 :]),
            "",
        ),
        "FLV header alone": (content("a.flv", b"FLV\1\5\0\0\0\t\0\0\0\0"), ""),
        "Ogg of noise": (content("a.ogv", b"OggS\0\2" + noise(4000)), ""),
        "ASF of noise": (content("a.wmv", asf + noise(4000)), ""),
        "MXF of noise": (
            content("a.mxf", b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01" + noise(4000)),
            "",
        ),
        "NUT of noise": (
            content("a.nut", b"nut/multimedia container\0" + noise(4000)),
            "",
        ),
        "RealMedia of noise": (content("a.rm", b".RMF\0\0\0\x12" + noise(4000)), ""),
        "AVI of an unusual codec": (
            patched("raw.avi", b"strf", b"FPS1", skip=20),
            "needs the decoder fraps",
        ),
        "AVI of no size": (
            patched("raw.avi", b"strf", bytes(8), skip=8),
            "decoded 0 of 12 frames",
        ),
        "AVI of gigantic frames": (
            patched("raw.avi", b"strf", struct.pack("<II", 60_000, 60_000), skip=8),
            "has 60000x60000 pixels, more than 67108864",
        ),
        "YUV4MPEG of gigantic frames": (
            content("a.y4m", b"YUV4MPEG2 W16384 H8192 F25:1 C420jpeg\nFRAME\n"),
            "has 16384x8192 pixels",
        ),
        "YUV4MPEG of impossible frames": (
            content("a.y4m", b"YUV4MPEG2 W2000000000 H2000000000 F25:1\nFRAME\n"),
            "",
        ),
        "YUV4MPEG of no size": (
            content("a.y4m", b"YUV4MPEG2 W0 H0 F25:1\nFRAME\n"),
            "",
        ),
        "YUV4MPEG without frames": (content("a.y4m", b"YUV4MPEG2 W64 H48 F25:1\n"), ""),
        "YUV4MPEG cut": (
            content("a.y4m", b"YUV4MPEG2 W64 H48 F25:1\nFRAME\n" + bytes(99)),
            "",
        ),
        "GIF without pictures": (content("a.gif", b"GIF89a\x40\0\x30\0\0\0\0;"), ""),
        "GIF of gigantic frames": (
            content(
                "a.gif", b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2"
            ),
            "has 65535x65535 pixels",
        ),
        "APNG of noise": (
            content("a.apng", lambda: png(pictures(1)[0])[:60] + noise(500)),
            "",
        ),
    }


def unusable_streams() -> dict[str, tuple[Maker, str]]:
    def no_frames(folder: Path) -> Path:
        with av.open(str(folder / "a.mkv"), "w") as output:
            stream = output.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            output.start_encoding()
        return folder / "a.mkv"

    def sound(folder: Path) -> Path:
        with wave.open(str(folder / "a.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(8000))
        return folder / "a.wav"

    def cover(folder: Path) -> Path:
        with av.open(str(folder / "a.mp4"), "w") as output:
            stream = output.add_stream("mjpeg", rate=1, width=16, height=16)
            stream.pix_fmt = "yuvj420p"
            stream.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(pictures(1, width=16, height=16)[0])
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return folder / "a.mp4"

    def backwards(folder: Path) -> Path:
        path = write_video(folder / "plain.mkv", pictures(4), **LOSSLESS)
        with av.open(str(path)) as source, av.open(f"{folder}/a.mkv", "w") as output:
            stream = output.add_stream_from_template(source.streams.video[0])
            times = iter([0, 300, 100, 200])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream, packet.pts = stream, next(times)
                    output.mux(packet)
        return folder / "a.mkv"

    def joined(**second) -> Maker:
        def make(folder: Path) -> Path:
            write_video(folder / "b.h264", **second)
            data = seed("clip.h264") + (folder / "b.h264").read_bytes()
            return content("a.h264", data)(folder)

        return make

    def turned(folder: Path) -> Path:
        return write_video(folder / "a.mp4", rotation=(45,))

    def flat(folder: Path) -> Path:
        path = write_video(folder / "a.mp4", rotation=(90,))
        data, mark = path.read_bytes(), struct.pack(">i", 1 << 30)
        place = data.index(mark, data.index(b"tkhd")) - 32
        path.write_bytes(data[:place] + bytes(36) + data[place + 36 :])
        return path

    larger = pictures(3, width=96, height=64)
    return {
        "no frames": (no_frames, "is not a video that can be read"),
        "sound alone": (sound, "has no video stream"),
        "cover alone": (cover, "has no video stream"),
        "times that run backwards": (backwards, "is not later than"),
        "sizes that change": (joined(frames=larger), "frame 12 has 96x64 pixels"),
        "depths that change": (joined(pix_fmt="yuv420p10le"), "has pixel format"),
        "turned by 45 degrees": (turned, "angle that is not a right one"),
        "display matrix of zeros": (flat, "angle that is not a right one"),
    }


def bombs() -> dict[str, tuple[Maker, str]]:
    def streams() -> bytes:
        """An AVI whose only stream is listed 1200 times."""
        whole = seed("raw.avi")
        place = whole.index(b"strl") - 8
        size = 8 + struct.unpack_from("<I", whole, place + 4)[0]
        data = bytearray(whole)
        data[place:place] = 1199 * whole[place : place + size]
        for place in (4, whole.index(b"hdrl") - 4):  # of the file, of the header
            old = struct.unpack_from("<I", data, place)[0]
            struct.pack_into("<I", data, place, old + 1199 * size)
        struct.pack_into("<I", data, whole.index(b"avih") + 32, 1200)
        return bytes(data)

    def tagged(**parts) -> Maker:
        def make(folder: Path) -> Path:
            path = write_video(folder / "plain.mkv", pictures(1), **LOSSLESS)
            with av.open(str(path)) as source, av.open(f"{folder}/a.mkv", "w") as out:
                stream = out.add_stream_from_template(source.streams.video[0])
                out.metadata.update(parts.get("tags", {}))
                out.set_chapters(parts.get("chapters", []))
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream = stream
                        out.mux(packet)
            return folder / "a.mkv"

        return make

    chapters = [
        {
            "id": i + 1,
            "start": i,
            "end": i + 1,
            "time_base": Fraction(1, 1000),
            "metadata": {},
        }
        for i in range(10_001)
    ]
    tags = {f"T{i}": (1 << 20) * "x" for i in range(17)}
    return {
        "1200 streams": (content("a.avi", streams), "has 1200 streams"),
        "10001 chapters": (tagged(chapters=chapters), "has 10001 chapters"),
        "17 MB of tags": (tagged(tags=tags), "characters of tags"),
    }


def png(pixels: np.ndarray, *, size=None, chunks=()) -> bytes:
    """A PNG, that says it has another size or has more chunks behind its header."""
    data = encode_png(pixels)
    if size is not None:
        data = data[:16] + struct.pack(">II", *size) + data[24:]
        data = data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]
    more = b"".join(
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + more + data[33:]


def broken_pictures() -> dict[str, tuple[Maker, str]]:
    picture = pictures(1)[0]
    deep = noise_picture().astype(np.uint16) * 257
    zeros = zlib.compress(bytes(100 << 20), 9)
    whole = encode_png(noise_picture())
    no_picture = "is not a picture that can be read"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    entities = "".join(f'<!ENTITY e{i + 1} "{10 * f"&e{i};"}">' for i in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "lol">{entities}]><x>&e9;</x>'.encode()
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"

    def saved(name: str, keep: float) -> Maker:
        def make(folder: Path) -> Path:
            Image.fromarray(noise_picture()).save(folder / name)
            data = (folder / name).read_bytes()
            (folder / name).write_bytes(data[: int(keep * len(data))])
            return folder / name

        return make

    def sizes(folder: Path) -> Path:
        content("a.png", png(picture))(folder)
        return content("b.png", png(picture[:40]))(folder).parent

    tiff = (
        b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 9)
    )
    return {
        "empty PNG": (content("a.png", b""), "is empty"),
        "SVG as PNG": (content("a.png", svg), no_picture),
        "XML bomb as PNG": (content("a.png", bomb), no_picture),
        "PostScript as PNG": (content("a.png", eps), no_picture),
        "PPM as PNG": (content("a.png", b"P6 2 2 255\n" + bytes(12)), no_picture),
        "PNG cut": (content("a.png", whole[: len(whole) // 2]), no_picture),
        "PNG of 16 bits cut": (
            content("a.png", encode_png(deep)[:9000]),
            no_picture,
        ),
        "PNG of 60000x60000": (
            content("a.png", png(picture, size=(60_000, 60_000))),
            "has 60000x60000 pixels, more than 67108864",
        ),
        "PNG of 16 bits, 60000x60000": (
            content("a.png", png(deep, size=(60_000, 60_000))),
            "has 60000x60000 pixels, more than 67108864",
        ),
        "PNG of no size": (content("a.png", png(picture, size=(0, 0))), ""),
        "PNG of 16 bits of no size": (content("a.png", png(deep, size=(0, 5))), ""),
        "PNG with a profile of 100 MB": (
            content("a.png", png(picture, chunks=[(b"iCCP", b"x\0\0" + zeros)])),
            no_picture,
        ),
        "PNG with a text of 100 MB": (
            content("a.png", png(picture, chunks=[(b"zTXt", b"x\0\0" + zeros)])),
            no_picture,
        ),
        "PNG of flipped bits": (
            content("a.png", whole[:500] + bytes(200) + whole[700:]),
            no_picture,
        ),
        "JPEG cut": (saved("a.jpg", 0.4), no_picture),
        "JPEG header alone": (
            content("a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
            no_picture,
        ),
        "WebP cut": (saved("a.webp", 0.4), no_picture),
        "BMP cut": (saved("a.bmp", 0.4), no_picture),
        "TIFF cut": (saved("a.tif", 0.4), no_picture),
        "TIFF that lists itself": (content("a.tif", tiff + struct.pack("<I", 8)), ""),
        "BMP of 2^31 pixels": (
            content(
                "a.bmp",
                b"BM"
                + struct.pack("<IIIIiiHH", 99, 0, 54, 40, 1 << 16, 1 << 15, 1, 24)
                + bytes(24),
            ),
            "has 65536x32768 pixels",
        ),
        "pictures of two sizes": (sizes, "64x40 of 8 bits, but a.png is 64x48"),
    }


def broken_animations() -> dict[str, tuple[Maker, str]]:
    picture = encode_png(noise_picture())
    control = (b"acTL", struct.pack(">II", 2, 0))
    whole = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 25, 0, 0)
    chunks = [control, (b"fcTL", whole)]
    endless = picture[:33] + 200_000 * (bytes(4) + b"tEXt" + bytes(4))

    def webp(side: int) -> bytes:
        sides = 2 * (side - 1).to_bytes(3, "little")
        body = b"WEBPVP8X\x0a\0\0\0\2\0\0\0" + sides
        body += b"ANIM\6\0\0\0" + bytes(6) + b"ANMF" + noise(500)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    return {
        "APNG of gigantic frames": (
            content("a.png", png(noise_picture(), size=(16_000,) * 2, chunks=chunks)),
            "has 16000x16000 pixels, more than 67108864",
        ),
        "APNG cut": (content("a.png", png(noise_picture(), chunks=chunks)[:900]), ""),
        "APNG without frames": (content("a.png", picture[:33] + b"\0\0\0\x08acTL"), ""),
        "PNG of chunks alone": (content("a.png", endless), "is not a picture that can"),
        "animated WebP of noise": (content("a.webp", webp(64)), ""),
        "animated WebP of 2^28 pixels": (content("a.webp", webp(1 << 14)), ""),
        "animation among pictures": (
            folder_of(content("a.png", png(noise_picture(), chunks=chunks))),
            "a.png: is an animation",
        ),
    }


def noise_picture() -> np.ndarray:
    """[64, 64, 3] uint8 that no format makes small."""
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def malformed() -> dict[str, tuple[Maker, str]]:
    """All of them."""
    groups = (
        no_media,
        special_files,
        truncated,
        broken_mp4,
        broken_mkv,
        other_containers,
        unusable_streams,
        bombs,
        broken_pictures,
        broken_animations,
    )
    return {name: entry for group in groups for name, entry in group().items()}


def survivable() -> dict[str, Maker]:
    """Damage that may go unnoticed by good right: no frame need be lost over it."""
    huge, cluster = b"\xff\xff\xff\xff", b"\x1f\x43\xb6\x75"
    endless = b"\x01" + b"\xff" * 6 + b"\xfe"

    def late(folder: Path) -> Path:
        times = [0, 1, 1 << 40]
        return write_video(folder / "a.mkv", pictures(3), pts=times, **LOSSLESS)

    def early(folder: Path) -> Path:
        return write_video(folder / "a.mkv", pictures(3), pts=[-9, -5, 0], **LOSSLESS)

    def flipped(name: str, number: int) -> Maker:
        def data() -> bytes:
            chance, whole = random.Random(number), bytearray(seed(name))
            for _ in range(20):
                whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            return bytes(whole)

        return content(name, data)

    def lacing() -> bytes:
        """Flags of every simple block say that it holds several frames."""
        whole, place = bytearray(seed("clip.mkv")), 0
        while (place := whole.find(b"\xa3", place + 1)) > 0:
            whole[place + 5] |= 6
        return bytes(whole)

    return {
        "MP4 of many chunks": patched("clip.mp4", b"stco", huge, skip=4),
        "MP4 of many times": patched("clip.mp4", b"stts", huge, skip=8),
        "MP4 edit behind the end": patched("clip.mp4", b"elst", b"\x7f", skip=12),
        "MP4 edit of no length": patched("clip.mp4", b"elst", bytes(4), skip=8),
        "Matroska of another type": patched("clip.mkv", b"matro", b"xyz", skip=-5),
        "Matroska cluster of 2^56 bytes": patched("clip.mkv", cluster, endless),
        "Matroska of laced blocks": content("a.mkv", lacing),
        "sound of noise": patched("clip.mp4", b"mdat", noise(300), skip=4000),
        "tags that are not UTF-8": patched("clip.mp4", b"Lavf", b"\xfc\xdf"),
        "times of years": late,
        "times before zero": early,
        **{
            f"{name} with flipped bits, {number}": flipped(name, number)
            for name in ("clip.mp4", "fragments.mp4", "clip.mkv", "clip.mpg", "clip.ts")
            for number in range(2)
        },
    }
