"""An ICC profile under which colours look otherwise, for tests."""

from PIL import ImageCms


def exchanged_profile():
    """Colours of sRGB with red and green exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for one, other in ((b"rXYZ", b"gXYZ"), (b"rTRC", b"gTRC")):
        profile = profile.replace(one, b"????", 1).replace(other, one, 1)
        profile = profile.replace(b"????", other, 1)
    return profile
