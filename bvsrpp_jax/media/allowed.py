"""What untrusted files may make FFmpeg do: the formats, decoders and sizes let through.

A decoder that nobody uses is seldom attacked by those who test FFmpeg, so each name
here is one that people's videos need. `docs/untrusted-files.md` has the whole picture.
"""

# Containers that hold their streams themselves. Playlists and scripts (concat, HLS,
# DASH, image sequences ...), which make FFmpeg open other files, are not among them.
_FORMATS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,mxf,nut,ivf,gif,apng,"
    "webp_anim,h264,hevc,m4v,av1,obu,yuv4mpegpipe,dv,rm,wtv,mp3,wav,flac,aac"
)
_VIDEO = (
    "h264,hevc,vvc,libdav1d,av1,vp9,libvpx-vp9,vp8,libvpx,vp7,vp6,vp6a,vp6f,"
    "mpeg1video,mpeg2video,mpegvideo,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h261,h263,"
    "h263i,h263p,flv,svq1,svq3,wmv1,wmv2,wmv3,vc1,rv10,rv20,rv30,rv40,theora,vp3,"
    "dirac,prores,dnxhd,cfhd,jpeg2000,mjpeg,mjpegb,dvvideo,ffv1,huffyuv,ffvhuff,"
    "utvideo,magicyuv,lagarith,rawvideo,v210,r210,yuv4,qtrle,rpza,cinepak,indeo3,"
    "indeo5,msvideo1,msrle,png,apng,gif,webp,webp_anim,zlib,"
    "bmp"
)
# Sound and subtitles are copied, not decoded, but FFmpeg opens their decoders to learn
# what a header does not say, such as the sampling rate.
_SOUND_AND_TEXT = (
    "aac,aac_latm,ac3,eac3,mp1float,mp2float,mp2,mp3float,mp3,opus,libopus,vorbis,"
    "flac,alac,dca,truehd,mlp,wmav1,wmav2,wmapro,wmalossless,cook,amrnb,amrwb,speex,"
    "tta,wavpack,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,dvaudio,pcm_alaw,pcm_mulaw,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_bluray,pcm_dvd,s302m,subrip,srt,ass,"
    "ssa,mov_text,webvtt,text,dvdsub,dvbsub,pgssub,xsub"
)
VIDEO_DECODERS = frozenset(_VIDEO.split(","))

# Twice an 8K frame, 8192 by 8192. Restored by four it has a thousand million pixels.
MAX_PIXELS = 1 << 26
# FFmpeg counts rows as multiples of 64 pixels, which adds up to 63 to each of 65535.
_ROUNDING = 1 << 22
MAX_STREAMS = 1000  # fonts of subtitles are streams, too
MAX_CHAPTERS = 10_000
MAX_TAGS = 16 << 20  # characters in all


def opening_options(max_pixels: int) -> dict[str, str]:
    """FFmpeg's options for opening a file, which its probing of the streams obeys."""
    return {
        "format_whitelist": _FORMATS,
        "protocol_whitelist": "file",
        "max_streams": str(10 * MAX_STREAMS),  # beyond, FFmpeg says "no memory"
        **decoding_options(max_pixels),
    }


def decoding_options(max_pixels: int) -> dict[str, str]:
    """FFmpeg's options for a decoder."""
    return {
        "codec_whitelist": f"{_VIDEO},{_SOUND_AND_TEXT}",
        "max_pixels": str(max_pixels + _ROUNDING),
    }
