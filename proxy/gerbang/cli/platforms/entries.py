"""The platform documents that the commands speak of, each with its cases."""

from dataclasses import dataclass
from pathlib import Path

from gerbang.cli import configuration
from gerbang.errors import DocumentError
from gerbang.loading import each, is_cases, policy_folders, read_document, sources
from gerbang.recognition.cases import Cases
from gerbang.recognition.document import PlatformDocument
from gerbang.recognition.signature import parse_platform
from gerbang.trying import cases_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A platform document, with its cases where there are some."""

    file: Path
    document: PlatformDocument
    cases: Cases | None


def entries_of(folder: Path | None = None) -> tuple[Entry, ...]:
    """The documents of the settings' folders, or of one folder (its `platforms/` where it has one)."""
    if folder is None:
        found = sources(policy_folders(configuration.settings()), "platforms")
        files = [source.file for source in found]
        documents = each(found, parse_platform)
    else:
        if not folder.is_dir():
            raise DocumentError(f"`{folder}` is no folder", hint="name a folder of platform documents (NAME.yaml)")
        inner = folder / "platforms"
        files = [file for file in sorted((inner if inner.is_dir() else folder).glob("*.yaml")) if not is_cases(file)]
        if not files:
            raise DocumentError(f"no platform document in `{folder}`", hint="name a folder that holds NAME.yaml")
        documents = tuple(parse_platform(read_document(file), str(file)) for file in files)
    # A later document replaces one of its name, whatever the file is called.
    latest = {document.platform: (file, document) for file, document in zip(files, documents, strict=True)}
    return tuple(Entry(file, document, cases_of(file, document)) for file, document in latest.values())
