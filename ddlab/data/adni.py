"""ADNI: MRI scans of heads as the Image and Data Archive (IDA) gives them to whoever has been granted access."""

import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddlab.data import limits
from ddlab.data.files import listed, own_path
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Preparation, Stamp, check_counts, stamp
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source
from ddlab.data.splits import stratified_split
from ddlab.data.tables import has_columns, read_table

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

FOLDER = "ADNI"
COLUMNS = {  # of the archive's "CSV download" of a collection
    "image": ("image data id", "image id"),
    "subject": ("subject", "subject id"),
    "group": ("group", "research group"),
    "date": ("acq date", "study date"),
}
NEEDED = tuple(COLUMNS)
HEAD = "Image Data ID, Subject, Group, Acq Date"
TASKS = (("CN", "AD"), ("sMCI", "pMCI"))  # of Akintoye et al., Table 3
DATES = ("%m/%d/%Y", "%Y-%m-%d")
SHAPE = (96, 96, 96)
LEVELS = 4  # of folders above a scan: subject, description, date, image
SUBJECT = re.compile(r"\d{3}_S_\d{4,5}")
IMAGE = re.compile(r"(?:^|_)I(\d+)(?:\.nii(?:\.gz)?)?$")  # ends the name of a file, or is that of its folder
Scan = tuple[str, Path]
"""A subject, and a file of it."""


class Adni(Relayed):
    """Scans of ADNI in ``settings.path`` or ``data_home()/ADNI``: healthy (CN) or with Alzheimer's disease (AD).

    The folder is what the archive's zip files unpack to, ``SUBJECT/DESCRIPTION/DATE/IMAGE/ADNI_..._I12345.nii``, with
    the CSV of the collection in it: columns ``Image Data ID``, ``Subject``, ``Group`` and ``Acq Date``; there may be
    several such tables. Each volume has its own window, the 0.5 to 99.5 percentiles of its values, and is zoomed to
    96×96×96 voxels.

    Notes
    -----
    ADNI must not be handed on. To get it: apply at adni.loni.usc.edu (access is granted to researchers who accept the
    data use agreement); in the archive at ida.loni.usc.edu search the study ADNI for images of modality MRI, weighting
    T1 and research groups AD and CN; add them to a collection; download the collection as NIfTI, and "CSV download" of
    the same collection; unpack all into one folder.

    **One scan a subject**, the first by date: no subject is in two splits, whatever ``dataset.test`` is, and the group
    is that of the visit. A fifth of the subjects of each class, drawn by ``settings.seed``, is held out. Other scans
    and groups (MCI, EMCI, LMCI, SMC) are left out. Where no table has both AD and CN, but both ``sMCI`` and ``pMCI``,
    these are the classes, as in the second task of Akintoye et al.: the archive does not tell stable from progressive,
    so write them into the column ``Group`` yourself.

    Akintoye et al. (Section 4.1, Table 2) count 389 AD, 400 NC (here CN), 232 sMCI and 172 pMCI, and name no
    preprocessing; without one, the network sees skull and neck, and heads where they lay. Scans that are described as
    ``MPR; GradWarp; B1 Correction; N3; Scaled`` are corrected for distortion and bias. Whoever strips skulls or
    registers scans to a template keeps the files' names and folders.

    References
    ----------
    Jack et al., "The Alzheimer's Disease Neuroimaging Initiative (ADNI): MRI methods", Journal of Magnetic Resonance
    Imaging 27, 685-691, 2008.
    Akintoye, Han, Lloyd, Zhang, Dancey, Chen, Zhang, layer-wise partitioning and merging: Section 4.1.
    """

    relevant = ("volume", "window", "train_images", "validation_images", "path", "seed")

    def source(self, settings: "DatasetSettings") -> Source:
        """The scans, if they are there."""
        asked = own_path(settings.path or FOLDER)
        folder, tables = _found(asked)
        listing = _listing(folder, tuple(map(stamp, tables)), settings.seed)
        told = f"Alzheimer's Disease Neuroimaging Initiative, in {folder}; the first scan of every subject"
        return NiftiVolumes(
            listing, "ADNI's data use agreement; must not be handed on", told, Preparation(shape=SHAPE, each=True)
        )


class _Row(NamedTuple):
    """A scan of a table."""

    subject: str
    group: str
    date: datetime
    image: str


def _found(asked: Path) -> tuple[Path, list[Path]]:
    """The folder of subjects, and the tables in it or beside it."""
    places = (asked, asked / FOLDER)
    folder = next((place for place in places if place.is_dir() and any(map(_is_subject, listed(place)))), None)
    if folder is None:
        raise DataMissing(
            f"adni: {shown(asked / 'SUBJECT', 200)} is not there; put what the Image and Data Archive gave you, "
            f"folders like 002_S_0295 and the CSV of their collection, into {shown(asked, 200)} (below the folder that "
            f"DDLAB_DATA names), or give their folder as dataset.path; apply for access at adni.loni.usc.edu"
        )
    around = [path for place in dict.fromkeys((folder, asked)) for path in listed(place)]
    tables = [path for path in around if path.suffix.lower() == ".csv" and has_columns(path, COLUMNS, NEEDED)]
    if not tables:
        raise DataMissing(
            f"adni: the CSV of the collection is not there; put it into {shown(folder, 200)}: 'CSV download' in the "
            f"archive, with the columns {HEAD}"
        )
    return folder, tables


def _is_subject(path: Path) -> bool:
    return SUBJECT.fullmatch(path.name) is not None and path.is_dir()


@lru_cache(maxsize=4)
def _listing(folder: Path, tables: tuple[Stamp, ...], seed: int) -> Listing:
    rows, scans = _rows(tables), _scans(folder)
    for image, (subject, path) in scans.items():
        if image not in rows:
            raise ValueError(
                f"path: the scan {shown(path.name)} has no row in {', '.join(table[0].name for table in tables)}; put "
                f"the CSV of its collection beside them"
            )
        if rows[image].subject != subject:
            raise ValueError(f"path: the scan {shown(path.name)} of {subject} is one of {shown(rows[image].subject)}")
    first: dict[str, _Row] = {}
    for row in sorted((rows[image] for image in scans), key=lambda row: (row.date, int(row.image))):
        first.setdefault(row.subject, row)
    classes = _classes({row.group for row in first.values()})
    chosen = [row for _, row in sorted(first.items()) if row.group in classes]
    labels = np.array([classes.index(row.group) for row in chosen], dtype=np.int64)
    check_counts(classes, labels, shown(folder, 200))
    orders = dict(zip(SPLITS, stratified_split(labels, seed), strict=True))
    return Listing(
        classes,
        {split: [scans[chosen[index].image][1] for index in order] for split, order in orders.items()},
        {split: labels[order] for split, order in orders.items()},
    )


def _classes(groups: set[str]) -> tuple[str, str]:
    """The first of the tasks whose groups are both there; the first one if none is, so that an error names it."""
    return next((task for task in TASKS if groups >= set(task)), TASKS[0])


def _rows(tables: tuple[Stamp, ...]) -> dict[str, _Row]:
    """Rows of all tables by the number of the image."""
    rows: dict[str, _Row] = {}
    for path, *_ in tables:
        for number, told in read_table(path, COLUMNS, NEEDED):
            where, image = f"path: {shown(path.name)}, line {number}", told["image"].removeprefix("I")
            if not (image.isascii() and image.isdecimal()):
                raise ValueError(f"{where}: needs an Image Data ID such as I118671, got '{shown(told['image'])}'")
            row = _Row(told["subject"], told["group"], _date(told["date"], where), image)
            if rows.setdefault(image, row) != row:
                raise ValueError(f"{where}: image I{image} has another row that differs")
    return rows


def _date(text: str, where: str) -> datetime:
    for form in DATES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(f"{where}: needs an Acq Date such as 3/20/2015 or 2015-03-20, got '{shown(text)}'")


def _scans(folder: Path) -> dict[str, Scan]:
    """Scans by the number of the image, which ends their name or is that of their folder."""
    scans: dict[str, Scan] = {}
    count = 0
    for subject in filter(_is_subject, listed(folder)):
        for path in _files(subject, LEVELS - 1):
            count += 1
            if count > limits.most_files():
                raise ValueError(f"path: {shown(folder, 200)} holds more than {limits.most_files():,} scans")
            found = IMAGE.search(path.name) or IMAGE.search(path.parent.name)
            if found is None:
                raise ValueError(
                    f"path: the name of the scan {shown(path.name)} does not end in its image, like _I118671"
                )
            other = scans.setdefault(found[1], (subject.name, path))[1]
            if other != path:
                raise ValueError(
                    f"path: there are two scans of image I{found[1]}: {shown(path.name)} and {shown(other.name)}"
                )
    return scans


def _files(folder: Path, levels: int) -> list[Path]:
    """NIfTI files of a folder and of so many levels below it."""
    found = []
    for path in listed(folder):
        if path.name.startswith("."):
            continue
        if path.name.lower().endswith(SUFFIXES):
            found.append(path)
        elif levels and path.is_dir():
            found += _files(path, levels - 1)
    return found
