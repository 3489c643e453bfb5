# SPDX-License-Identifier: MIT
"""What Windows NT's calls on files take and give: names, flags, structures and errors.

Nothing here calls Windows, so it is tested on every system. The numbers and layouts are those of
Microsoft's documentation of NtCreateFile, the FILE_*_INFO structures, REPARSE_DATA_BUFFER and
NTSTATUS (docs/internals/platforms.md has the addresses).
"""

from __future__ import annotations

import errno
import os
import stat as _stat
from struct import Struct

from .abi import MASK_U64, TYPE_DIRECTORY, TYPE_REGULAR, TYPE_SYMBOLIC_LINK, TYPE_UNKNOWN
from .at import Found
from .directories import Entry
from .open_flags import O_DIRECTORY, O_SYNC
from .records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# ---- names -----------------------------------------------------------------------------------

_LONGEST_NAME = 255  # UTF-16 code units
# Characters that separate names, name a stream of a file, or are patterns.
_FORBIDDEN = frozenset('\\/:*?"<>|') | {chr(code) for code in range(32)}
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789\xb9\xb2\xb3"]
)


def check_name(name: str) -> str:
    """Returns a name of a file if it is one for every program of Windows.

    NT itself allows more names than the programs, which take a file `NUL.txt` or `a.` for another
    one. A colon would name a stream of a file.

    Raises:
        OSError: EINVAL; ENAMETOOLONG.
    """
    device = name.split(".", 1)[0].rstrip(" ").upper()
    if not name or name[-1] in ". " or device in _DEVICES or not _FORBIDDEN.isdisjoint(name):
        raise os_error(errno.EINVAL)
    if len(encode_name(name)) > 2 * _LONGEST_NAME:
        raise os_error(errno.ENAMETOOLONG)
    return name


def encode_name(name: str) -> bytes:
    """Returns a name in UTF-16. A name that Python took from bytes may have lone surrogates."""
    return name.encode("utf-16-le", "surrogatepass")


# ---- opening ---------------------------------------------------------------------------------

FILE_READ_DATA, FILE_WRITE_DATA, FILE_APPEND_DATA = 0x1, 0x2, 0x4
FILE_LIST_DIRECTORY = FILE_READ_DATA
FILE_TRAVERSE, FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES = 0x20, 0x80, 0x100
DELETE, SYNCHRONIZE = 0x10000, 0x100000

FILE_OPEN, FILE_CREATE, FILE_OPEN_IF = 1, 2, 3

FILE_DIRECTORY_FILE, FILE_WRITE_THROUGH = 0x1, 0x2
FILE_SYNCHRONOUS_IO_NONALERT, FILE_NON_DIRECTORY_FILE = 0x20, 0x40
FILE_OPEN_FOR_BACKUP_INTENT, FILE_OPEN_REPARSE_POINT = 0x4000, 0x200000
# A link is opened itself and never followed. The backup intent lets directories be opened.
NEVER_FOLLOW = FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT | FILE_OPEN_REPARSE_POINT
# What every handle is opened for.
ANY = SYNCHRONIZE | FILE_READ_ATTRIBUTES

_ACCESS_MODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


class Request(NamedTuple):
    """How NtCreateFile opens a file."""

    access: int
    disposition: int
    options: int


def request_of(flags: int) -> Request:
    """Returns how to open what the flags of open() mean.

    O_TRUNC is not part of it: the file is cut when it is known not to be a link.
    """
    mode = flags & _ACCESS_MODE
    access, disposition, options = ANY, FILE_OPEN, NEVER_FOLLOW
    if mode != os.O_WRONLY:
        access |= FILE_READ_DATA
    if mode != os.O_RDONLY or flags & os.O_TRUNC:
        access |= FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES
    if flags & os.O_CREAT:
        disposition = FILE_CREATE if flags & os.O_EXCL else FILE_OPEN_IF
    if flags & O_DIRECTORY:
        access |= FILE_TRAVERSE
        options |= FILE_DIRECTORY_FILE
    elif flags & os.O_CREAT or access & FILE_WRITE_DATA:
        options |= FILE_NON_DIRECTORY_FILE
    if flags & O_SYNC:
        options |= FILE_WRITE_THROUGH
    return Request(access, disposition, options)


# ---- what a file is ---------------------------------------------------------------------------

ATTRIBUTE_DIRECTORY, ATTRIBUTE_REPARSE_POINT = 0x10, 0x400
TAG_SYMLINK, TAG_MOUNT_POINT = 0xA000000C, 0xA0000003
_NAME_SURROGATE = 0x20000000  # The file stands for another one, wherever that is.


class Information(NamedTuple):
    """What Windows knows of a file. Times are in 100 ns since 1601; `tag` is that of a link."""

    attributes: int
    tag: int
    volume: int
    file_id: int
    links: int
    size: int
    accessed: int
    written: int
    changed: int

    def is_link(self) -> bool:
        """Returns whether the file is a reparse point, behind which is something else."""
        return bool(self.attributes & ATTRIBUTE_REPARSE_POINT)

    def is_directory(self) -> bool:
        """Returns whether the file is a directory, and not a link to one."""
        return bool(self.attributes & ATTRIBUTE_DIRECTORY) and not self.is_link()


_BY_HANDLE = Struct("<I8x8x8xIIIIII")
_BASIC = Struct("<qqqqI4x")
_ATTRIBUTE_TAG = Struct("<II")
BY_HANDLE_SIZE, BASIC_SIZE, ATTRIBUTE_TAG_SIZE = 52, 40, 8


def information_of(by_handle: bytes, basic: bytes, attribute_tag: bytes) -> Information:
    """Reads a BY_HANDLE_FILE_INFORMATION, a FILE_BASIC_INFO and a FILE_ATTRIBUTE_TAG_INFO."""
    attributes, volume, size_high, size_low, links, high, low = _BY_HANDLE.unpack(by_handle)
    _, accessed, written, changed, _ = _BASIC.unpack(basic)
    _, tag = _ATTRIBUTE_TAG.unpack(attribute_tag)
    size, file_id = size_high << 32 | size_low, high << 32 | low
    return Information(
        attributes, tag, volume, file_id, links, size, accessed, written, changed or written
    )


def pack_times(accessed: int, written: int) -> bytes:
    """Returns a FILE_BASIC_INFO that sets two times and leaves the rest."""
    return _BASIC.pack(0, accessed, written, 0, 0)


_EPOCH = 116444736000000000  # 1970 in 100 ns since 1601
_LAST = (1 << 63) - 1


def unix_time(filetime: int) -> int:
    """Returns nanoseconds since 1970."""
    return (filetime - _EPOCH) * 100


def file_time(time_ns: int) -> int:
    """Returns 100 ns since 1601: the nearest time that can be set, since 0 means "leave it"."""
    return min(max(1, time_ns // 100 + _EPOCH), _LAST)


def found_of(information: Information, link_size: int) -> Found:
    """Describes a file. The size of a link is that of its target."""
    mode = 0o777 | (_stat.S_IFDIR if information.attributes & ATTRIBUTE_DIRECTORY else 0)
    if not information.attributes & ATTRIBUTE_DIRECTORY:
        mode = 0o666 | _stat.S_IFREG
    size = information.size
    if information.is_link():
        mode, size = (_stat.S_IFLNK if information.tag & _NAME_SURROGATE else 0), link_size
    return Found(
        mode,
        information.file_id,
        information.volume,
        information.links,
        size,
        unix_time(information.accessed),
        unix_time(information.written),
        unix_time(information.changed),
    )


# ---- links ------------------------------------------------------------------------------------

REPARSE_SIZE = 16384  # the most that a reparse point has
_REPARSE = Struct("<IH2xHHHH")
_RELATIVE = 1


def target_of(data: bytes) -> str:
    """Returns the target of the symbolic link or the junction that a REPARSE_DATA_BUFFER names.

    One that is absolute begins with a slash, and so leads out of every directory of a guest.

    Raises:
        OSError: EINVAL, if it is another reparse point.
    """
    if len(data) < _REPARSE.size:
        raise os_error(errno.EINVAL)
    tag, _, offset, size, shown_offset, shown_size = _REPARSE.unpack_from(data)
    at, relative = _REPARSE.size, False
    if tag == TAG_SYMLINK:
        relative = bool(int.from_bytes(data[at : at + 4], "little") & _RELATIVE)
        at += 4
    elif tag != TAG_MOUNT_POINT:
        raise os_error(errno.EINVAL)
    name = data[at + offset :][:size]
    shown = data[at + shown_offset :][:shown_size]
    text = (name if relative else shown or name).decode("utf-16-le", "replace").replace("\\", "/")
    return text if relative else "/" + text.lstrip("/")


# ---- listings ---------------------------------------------------------------------------------

LISTING_SIZE = 65536
_ENTRY = Struct("<I4x8x8x8x8x8x8xIII28xq")  # FILE_ID_BOTH_DIR_INFO, without the name


def entries_of(data: bytes) -> Iterator[Entry]:
    """Yields the entries of a buffer full of FILE_ID_BOTH_DIR_INFO, except "." and ".."."""
    at = 0
    while True:
        following, attributes, size, tag, index = _ENTRY.unpack_from(data, at)
        name = data[at + _ENTRY.size :][:size].decode("utf-16-le", "surrogatepass")
        if name not in (".", ".."):
            try:
                encoded = name.encode()
            except UnicodeEncodeError:  # A lone surrogate: no guest could use the name.
                pass
            else:
                yield Entry(encoded, index & MASK_U64, _type_of(attributes, tag))
        if not following:
            return
        at += following


def _type_of(attributes: int, tag: int) -> int:
    if attributes & ATTRIBUTE_REPARSE_POINT:
        return TYPE_SYMBOLIC_LINK if tag & _NAME_SURROGATE else TYPE_UNKNOWN
    return TYPE_DIRECTORY if attributes & ATTRIBUTE_DIRECTORY else TYPE_REGULAR


# ---- renaming and removing --------------------------------------------------------------------

_RENAME = Struct("<I4xQI")  # FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION, without the name
REPLACE, POSIX_SEMANTICS = 1, 2


def pack_rename(flags: int, parent: int, name: str) -> bytes:
    """Returns a FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION: a name below a directory."""
    encoded = encode_name(name)
    return _RENAME.pack(flags, parent, len(encoded)) + encoded.ljust(4, b"\0")


# ---- errors -----------------------------------------------------------------------------------

# NTSTATUS of which Win32's number would say too little.
_OF_STATUS = {
    0xC0000022: errno.EACCES,  # ACCESS_DENIED
    0xC0000033: errno.EINVAL,  # OBJECT_NAME_INVALID
    0xC0000034: errno.ENOENT,  # OBJECT_NAME_NOT_FOUND
    0xC0000035: errno.EEXIST,  # OBJECT_NAME_COLLISION
    0xC000003A: errno.ENOENT,  # OBJECT_PATH_NOT_FOUND
    0xC000000D: errno.EINVAL,  # INVALID_PARAMETER
    0xC0000043: errno.EACCES,  # SHARING_VIOLATION
    0xC0000056: errno.ENOENT,  # DELETE_PENDING: the name is as good as gone
    0xC000007F: errno.ENOSPC,  # DISK_FULL
    0xC00000A2: errno.EROFS,  # MEDIA_WRITE_PROTECTED
    0xC00000BA: errno.EISDIR,  # FILE_IS_A_DIRECTORY
    0xC00000BB: errno.ENOTSUP,  # NOT_SUPPORTED
    0xC00000D4: errno.EXDEV,  # NOT_SAME_DEVICE
    0xC0000101: errno.ENOTEMPTY,  # DIRECTORY_NOT_EMPTY
    0xC0000103: errno.ENOTDIR,  # NOT_A_DIRECTORY
    0xC0000106: errno.ENAMETOOLONG,  # NAME_TOO_LONG
    0xC0000121: errno.EACCES,  # CANNOT_DELETE
    0xC000011F: errno.EMFILE,  # TOO_MANY_OPENED_FILES
    0xC0000044: errno.ENOSPC,  # QUOTA_EXCEEDED
    0xC0000265: errno.EMLINK,  # TOO_MANY_LINKS
    0xC0000275: errno.EINVAL,  # NOT_A_REPARSE_POINT
    0xC000050B: errno.ELOOP,  # REPARSE_POINT_ENCOUNTERED
}
_OF_WIN32 = {
    2: errno.ENOENT,  # FILE_NOT_FOUND
    3: errno.ENOENT,  # PATH_NOT_FOUND
    4: errno.EMFILE,  # TOO_MANY_OPEN_FILES
    5: errno.EACCES,  # ACCESS_DENIED
    6: errno.EBADF,  # INVALID_HANDLE
    8: errno.ENOMEM,  # NOT_ENOUGH_MEMORY
    17: errno.EXDEV,  # NOT_SAME_DEVICE
    19: errno.EROFS,  # WRITE_PROTECT
    32: errno.EACCES,  # SHARING_VIOLATION
    33: errno.EACCES,  # LOCK_VIOLATION
    39: errno.ENOSPC,  # HANDLE_DISK_FULL
    50: errno.ENOTSUP,  # NOT_SUPPORTED
    80: errno.EEXIST,  # FILE_EXISTS
    87: errno.EINVAL,  # INVALID_PARAMETER
    112: errno.ENOSPC,  # DISK_FULL
    123: errno.EINVAL,  # INVALID_NAME
    145: errno.ENOTEMPTY,  # DIR_NOT_EMPTY
    183: errno.EEXIST,  # ALREADY_EXISTS
    206: errno.ENAMETOOLONG,  # FILENAME_EXCED_RANGE
    223: errno.EFBIG,  # FILE_TOO_LARGE
    267: errno.ENOTDIR,  # DIRECTORY
    1142: errno.EMLINK,  # TOO_MANY_LINKS
    1314: errno.EPERM,  # PRIVILEGE_NOT_HELD
    4390: errno.EINVAL,  # NOT_A_REPARSE_POINT
}

# A file system, or an older Windows, that lacks a class of information says one of these.
UNKNOWN_CLASS = frozenset([0xC0000002, 0xC0000003, 0xC000000D, 0xC00000BB])


def os_error(number: int) -> OSError:
    """Returns the exception for an errno."""
    return OSError(number, os.strerror(number))


def error_of_status(status: int, win32: int) -> OSError:
    """Returns the exception for an NTSTATUS, given the number that Win32 has for it."""
    number = _OF_STATUS.get(status)
    return error_of_win32(win32) if number is None else os_error(number)


def error_of_win32(code: int) -> OSError:
    """Returns the exception for an error of Win32; EIO for one that says nothing to a guest."""
    return os_error(_OF_WIN32.get(code, errno.EIO))
