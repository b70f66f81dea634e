"""Which clips the official partitions hold, and of how many frames each.

Sources, all read in the public repositories:
- REDS: 240 training and 30 validation clips of 100 frames; mmagic renames the latter to
  240..269 and tests on four training clips, "REDS4"
  (`tools/dataset_converters/reds/preprocess_reds_dataset.py`).
- Vimeo-90K: the numbers of lines in BasicSR's `meta_info_Vimeo90K_{train,test}_GT.txt`,
  which the data set's own `sep_trainlist.txt` and `sep_testlist.txt` share.
- Vid4: mmagic, `tools/dataset_converters/vid4/README.md`.
- DVD, GoPro: the lists in `data/` of the authors' BasicVSR_PlusPlus repository, whose
  sums are the paper's (5708 frames of 61 clips, 1000 of 10, 2103 of 22, 1111 of 11).
- UDM10 and Set8 are known by their numbers of clips only (PFNL, FastDVDnet). Of DAVIS
  the authors train on every clip in the folder, without a list.
"""

REDS_FRAMES = 100
REDS4 = ("000", "011", "015", "020")
REDS_TRAIN = tuple(f"{i:03d}" for i in range(270) if f"{i:03d}" not in REDS4)
REDS_FIRST_OF_VALIDATION = 240  # validation clip 005 is clip 245 of the 270

VIMEO90K_FRAMES = 7
VIMEO90K_CLIPS = {"train": 64_612, "test": 7_824}

VID4 = {"calendar": 41, "city": 34, "foliage": 49, "walk": 47}

UDM10_CLIPS, UDM10_FRAMES = 10, 32
SET8_CLIPS = 8


def _clips(by_length: dict[int, str]) -> dict[str, int]:
    """{frames: "names of such clips"} -> {name: frames}, sorted by name."""
    pairs = [(name, n) for n, names in by_length.items() for name in names.split()]
    return dict(sorted(pairs))


DVD = {
    "train": _clips(
        {
            35: "GOPR9633",
            41: "IMG_0009",
            46: "IMG_0164",
            48: "GOPR9636",
            50: "IMG_0150 IMG_0180",
            60: "IMG_0151",
            61: "IMG_0045",
            63: "C0036",
            65: "GOPR9645",
            70: "IMG_0173",
            71: "GOPR9652",
            78: "IMG_0155",
            83: "GOPR9642",
            88: "GOPR9648",
            97: "GOPR9643",
            100: "720p_240fps_1 720p_240fps_3 720p_240fps_5 720p_240fps_6"
            " IMG_0001 IMG_0004 IMG_0005 IMG_0008 IMG_0010 IMG_0011 IMG_0012 IMG_0013"
            " IMG_0014 IMG_0015 IMG_0017 IMG_0019 IMG_0022 IMG_0023 IMG_0024 IMG_0025"
            " IMG_0026 IMG_0028 IMG_0029 IMG_0034 IMG_0035 IMG_0036 IMG_0038 IMG_0040"
            " IMG_0041 IMG_0042 IMG_0043 IMG_0044 IMG_0046 IMG_0047 IMG_0051 IMG_0053"
            " IMG_0054 IMG_0055 IMG_0056 IMG_0058",
            103: "IMG_0200",
            113: "IMG_0183",
            120: "IMG_0153",
            137: "GOPR9641",
            229: "C0041",
        }
    ),
    "test": _clips(
        {
            100: "720p_240fps_2 IMG_0003 IMG_0021 IMG_0030 IMG_0031 IMG_0032 IMG_0033"
            " IMG_0037 IMG_0039 IMG_0049"
        }
    ),
}

GOPRO = {
    "train": _clips(
        {
            48: "GOPR0374_11_03",
            60: "GOPR0380_11_00",
            75: "GOPR0372_07_01",
            80: "GOPR0374_11_01 GOPR0477_11_00",
            100: "GOPR0372_07_00 GOPR0374_11_02 GOPR0379_11_00 GOPR0384_11_01"
            " GOPR0384_11_02 GOPR0384_11_03 GOPR0384_11_04 GOPR0385_11_00"
            " GOPR0386_11_00 GOPR0857_11_00 GOPR0868_11_01 GOPR0868_11_02"
            " GOPR0871_11_01 GOPR0881_11_00 GOPR0884_11_00",
            110: "GOPR0378_13_00",
            150: "GOPR0374_11_00",
        }
    ),
    "test": _clips(
        {
            77: "GOPR0862_11_00",
            100: "GOPR0384_11_00 GOPR0384_11_05 GOPR0385_11_01 GOPR0396_11_00"
            " GOPR0854_11_00 GOPR0868_11_00 GOPR0869_11_00 GOPR0871_11_00"
            " GOPR0881_11_01",
            134: "GOPR0410_11_00",
        }
    ),
}
