"""XML of annotation tools, which declares no entities: a file that does is refused before it is parsed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from resnet_demo.errors import UserError


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file in UTF-8.

    Raises:
        UserError: it cannot be read, is cut off, or declares a document type.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UserError(f"{path} declares a document type, which these tools do not write: export it anew.")
        return ElementTree.fromstring(text.encode())
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: export it anew.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): check the file.") from None
    except ElementTree.ParseError as error:
        raise UserError(f"{path} is no whole XML file ({error}): export it anew.") from None


def figure(element: ElementTree.Element, *names: str, path: Path) -> tuple[float, ...]:
    """Attributes of an element that are numbers.

    Raises:
        UserError: one is missing, or none.
    """
    try:
        return tuple(float(element.attrib[name]) for name in names)
    except (KeyError, ValueError):
        raise UserError(f"{path}: a {element.tag} has no numbers in {', '.join(names)}: export it anew.") from None
