"""Keys of one tensor in the projects, both ways.

| tensor                 | MMEditing, MMagic, official               | BasicSR         |
|------------------------|-------------------------------------------|-----------------|
| flow: convolution 0..4 | spynet.basic_module.I.basic_module.J.conv | ...module.(2 J) |
| upsampling             | upsampleI.upsample_conv                   | upconvI         |
| everything else        | the same                                  | the same        |
"""

import re
from collections.abc import Collection

# BasicSR counts the activations between the convolutions too.
BASICSR_FLOW = re.compile(
    r"(spynet\.basic_module\.\d\.basic_module)\.([02468])\.(weight|bias)"
)
BASICSR_UPSAMPLE = re.compile(r"upconv(\d)\.(weight|bias)")
OFFICIAL_FLOW = re.compile(
    r"(spynet\.basic_module\.\d\.basic_module)\.([0-4])\.conv\.(weight|bias)"
)
OFFICIAL_UPSAMPLE = re.compile(r"upsample(\d)\.upsample_conv\.(weight|bias)")


def official_name(key: str) -> str:
    """The official name of a key without prefix; itself if it is none of BasicSR's."""
    if match := BASICSR_FLOW.fullmatch(key):
        return f"{match[1]}.{int(match[2]) // 2}.conv.{match[3]}"
    if match := BASICSR_UPSAMPLE.fullmatch(key):
        return f"upsample{match[1]}.upsample_conv.{match[2]}"
    return key


def basicsr_name(key: str) -> str:
    """BasicSR's name of an official key."""
    if match := OFFICIAL_FLOW.fullmatch(key):
        return f"{match[1]}.{2 * int(match[2])}.{match[3]}"
    if match := OFFICIAL_UPSAMPLE.fullmatch(key):
        return f"upconv{match[1]}.{match[2]}"
    return key


def has_second_upsampling_alone(names: Collection[str]) -> bool:
    """Whether the one upsampling of a network with finer features is called the second.

    Which of the two was left out nobody has published: the code that made the "2x"
    weights is not public.
    """
    finer = any(name.startswith("feat_extract.2.main.") for name in names)
    return finer and not any(
        name.startswith(("upsample1.", "upconv1.")) for name in names
    )
