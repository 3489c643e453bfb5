# SPDX-License-Identifier: MIT
"""The binary interface of WASI preview 1: error numbers, rights, flags and structures."""

from __future__ import annotations

import errno as _host_errno
from struct import Struct

# The names stand in the order of their numbers, which start at 0.
_ERRNO_NAMES = [
    "SUCCESS",
    "2BIG",
    "ACCES",
    "ADDRINUSE",
    "ADDRNOTAVAIL",
    "AFNOSUPPORT",
    "AGAIN",
    "ALREADY",
    "BADF",
    "BADMSG",
    "BUSY",
    "CANCELED",
    "CHILD",
    "CONNABORTED",
    "CONNREFUSED",
    "CONNRESET",
    "DEADLK",
    "DESTADDRREQ",
    "DOM",
    "DQUOT",
    "EXIST",
    "FAULT",
    "FBIG",
    "HOSTUNREACH",
    "IDRM",
    "ILSEQ",
    "INPROGRESS",
    "INTR",
    "INVAL",
    "IO",
    "ISCONN",
    "ISDIR",
    "LOOP",
    "MFILE",
    "MLINK",
    "MSGSIZE",
    "MULTIHOP",
    "NAMETOOLONG",
    "NETDOWN",
    "NETRESET",
    "NETUNREACH",
    "NFILE",
    "NOBUFS",
    "NODEV",
    "NOENT",
    "NOEXEC",
    "NOLCK",
    "NOLINK",
    "NOMEM",
    "NOMSG",
    "NOPROTOOPT",
    "NOSPC",
    "NOSYS",
    "NOTCONN",
    "NOTDIR",
    "NOTEMPTY",
    "NOTRECOVERABLE",
    "NOTSOCK",
    "NOTSUP",
    "NOTTY",
    "NXIO",
    "OVERFLOW",
    "OWNERDEAD",
    "PERM",
    "PIPE",
    "PROTO",
    "PROTONOSUPPORT",
    "PROTOTYPE",
    "RANGE",
    "ROFS",
    "SPIPE",
    "SRCH",
    "STALE",
    "TIMEDOUT",
    "TXTBSY",
    "XDEV",
    "NOTCAPABLE",
]

# The names as a message shows them. Tests use them, too.
ERRNO_NAMES = tuple(f"E{name}" for name in _ERRNO_NAMES)

_NUMBERS = {name: number for number, name in enumerate(_ERRNO_NAMES)}

SUCCESS = 0
EAGAIN = _NUMBERS["AGAIN"]
EBADF = _NUMBERS["BADF"]
EBUSY = _NUMBERS["BUSY"]
EEXIST = _NUMBERS["EXIST"]
EFAULT = _NUMBERS["FAULT"]
EFBIG = _NUMBERS["FBIG"]
EILSEQ = _NUMBERS["ILSEQ"]
EINTR = _NUMBERS["INTR"]
EINVAL = _NUMBERS["INVAL"]
EIO = _NUMBERS["IO"]
EISDIR = _NUMBERS["ISDIR"]
ELOOP = _NUMBERS["LOOP"]
EMFILE = _NUMBERS["MFILE"]
ENAMETOOLONG = _NUMBERS["NAMETOOLONG"]
ENODEV = _NUMBERS["NODEV"]
ENOENT = _NUMBERS["NOENT"]
ENOMEM = _NUMBERS["NOMEM"]
ENOSPC = _NUMBERS["NOSPC"]
ENOTCAPABLE = _NUMBERS["NOTCAPABLE"]
ENOTDIR = _NUMBERS["NOTDIR"]
ENOTEMPTY = _NUMBERS["NOTEMPTY"]
ENOTSOCK = _NUMBERS["NOTSOCK"]
ENOTSUP = _NUMBERS["NOTSUP"]
EOVERFLOW = _NUMBERS["OVERFLOW"]
EPERM = _NUMBERS["PERM"]
EROFS = _NUMBERS["ROFS"]
ESPIPE = _NUMBERS["SPIPE"]
EXDEV = _NUMBERS["XDEV"]

# Maps error numbers of the host to those of WASI. EOPNOTSUPP and ENOTSUP are one number on Linux
# but two on macOS and Windows, and WASI has ENOTSUP only. EWOULDBLOCK is a number of its own on
# Windows, where sockets use it.
_FROM_HOST = {
    getattr(_host_errno, f"E{name}"): number
    for name, number in _NUMBERS.items()
    if hasattr(_host_errno, f"E{name}")
}
_FROM_HOST[getattr(_host_errno, "EOPNOTSUPP", -1)] = ENOTSUP
_FROM_HOST[_host_errno.EWOULDBLOCK] = EAGAIN


class WasiError(Exception):
    """Ends a WASI call with an error number, which the guest gets; users never see it."""

    def __init__(self, errno: int) -> None:
        super().__init__(ERRNO_NAMES[errno])
        self.errno = errno


FAILURES = (WasiError, OSError, MemoryError)
"""The exceptions of a WASI call that become an error number for the guest."""


def errno_of(error: WasiError | OSError | MemoryError) -> int:
    """Returns the WASI error number for one of FAILURES, or EIO for a host error WASI lacks."""
    if isinstance(error, WasiError):
        return error.errno
    if isinstance(error, MemoryError):
        return ENOMEM
    return _FROM_HOST.get(error.errno or -1, EIO)


MASK_U64 = (1 << 64) - 1
MAX_OFFSET = (1 << 63) - 1  # The host holds positions and sizes in signed 64-bit numbers.

# ---- rights ----

# Rights are reported to guests, which expect them, but they forbid nothing (RATIONALE.md). Only
# RIGHT_FD_READ and RIGHT_FD_WRITE of a file mean something: they say what it is open for.

RIGHT_FD_DATASYNC = 1 << 0
RIGHT_FD_READ = 1 << 1
RIGHT_FD_SEEK = 1 << 2
RIGHT_FD_FDSTAT_SET_FLAGS = 1 << 3
RIGHT_FD_SYNC = 1 << 4
RIGHT_FD_TELL = 1 << 5
RIGHT_FD_WRITE = 1 << 6
RIGHT_FD_ADVISE = 1 << 7
RIGHT_FD_ALLOCATE = 1 << 8
RIGHT_PATH_CREATE_DIRECTORY = 1 << 9
RIGHT_PATH_CREATE_FILE = 1 << 10
RIGHT_PATH_LINK_SOURCE = 1 << 11
RIGHT_PATH_LINK_TARGET = 1 << 12
RIGHT_PATH_OPEN = 1 << 13
RIGHT_FD_READDIR = 1 << 14
RIGHT_PATH_READLINK = 1 << 15
RIGHT_PATH_RENAME_SOURCE = 1 << 16
RIGHT_PATH_RENAME_TARGET = 1 << 17
RIGHT_PATH_FILESTAT_GET = 1 << 18
RIGHT_PATH_FILESTAT_SET_SIZE = 1 << 19
RIGHT_PATH_FILESTAT_SET_TIMES = 1 << 20
RIGHT_FD_FILESTAT_GET = 1 << 21
RIGHT_FD_FILESTAT_SET_SIZE = 1 << 22
RIGHT_FD_FILESTAT_SET_TIMES = 1 << 23
RIGHT_PATH_SYMLINK = 1 << 24
RIGHT_PATH_REMOVE_DIRECTORY = 1 << 25
RIGHT_PATH_UNLINK_FILE = 1 << 26
RIGHT_POLL_FD_READWRITE = 1 << 27
RIGHT_SOCK_SHUTDOWN = 1 << 28
RIGHT_SOCK_ACCEPT = 1 << 29

ALL_RIGHTS = (1 << 30) - 1

_COMMON = RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE

FILE_RIGHTS = (
    _COMMON
    | RIGHT_FD_DATASYNC
    | RIGHT_FD_READ
    | RIGHT_FD_SEEK
    | RIGHT_FD_SYNC
    | RIGHT_FD_TELL
    | RIGHT_FD_WRITE
    | RIGHT_FD_ADVISE
    | RIGHT_FD_ALLOCATE
    | RIGHT_FD_FILESTAT_SET_SIZE
    | RIGHT_FD_FILESTAT_SET_TIMES
)
STREAM_RIGHTS = _COMMON | RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC
SOCKET_RIGHTS = _COMMON | RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_SOCK_SHUTDOWN | RIGHT_SOCK_ACCEPT
DIRECTORY_RIGHTS = (
    RIGHT_FD_FDSTAT_SET_FLAGS
    | RIGHT_FD_SYNC
    | RIGHT_FD_DATASYNC
    | RIGHT_FD_ADVISE
    | RIGHT_PATH_CREATE_DIRECTORY
    | RIGHT_PATH_CREATE_FILE
    | RIGHT_PATH_LINK_SOURCE
    | RIGHT_PATH_LINK_TARGET
    | RIGHT_PATH_OPEN
    | RIGHT_FD_READDIR
    | RIGHT_PATH_READLINK
    | RIGHT_PATH_RENAME_SOURCE
    | RIGHT_PATH_RENAME_TARGET
    | RIGHT_PATH_FILESTAT_GET
    | RIGHT_PATH_FILESTAT_SET_TIMES
    | RIGHT_FD_FILESTAT_GET
    | RIGHT_FD_FILESTAT_SET_TIMES
    | RIGHT_PATH_SYMLINK
    | RIGHT_PATH_REMOVE_DIRECTORY
    | RIGHT_PATH_UNLINK_FILE
)
# The C library of WASI asks for a file below a directory with those of the wanted rights that the
# directory reports here, so a directory must report all that a file can have.
INHERITING_RIGHTS = DIRECTORY_RIGHTS | FILE_RIGHTS
WRITING_RIGHTS = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE

# ---- types of files, flags ----

TYPE_UNKNOWN = 0
TYPE_BLOCK_DEVICE = 1
TYPE_CHARACTER_DEVICE = 2
TYPE_DIRECTORY = 3
TYPE_REGULAR = 4
TYPE_SOCKET_DGRAM = 5
TYPE_SOCKET_STREAM = 6
TYPE_SYMBOLIC_LINK = 7

FDFLAG_APPEND, FDFLAG_DSYNC, FDFLAG_NONBLOCK, FDFLAG_RSYNC, FDFLAG_SYNC = 1, 2, 4, 8, 16
ALL_FDFLAGS = 31
OFLAG_CREAT, OFLAG_DIRECTORY, OFLAG_EXCL, OFLAG_TRUNC = 1, 2, 4, 8
ALL_OFLAGS = 15
LOOKUP_SYMLINK_FOLLOW = 1
FST_ATIM, FST_ATIM_NOW, FST_MTIM, FST_MTIM_NOW = 1, 2, 4, 8
SHUT_RD, SHUT_WR = 1, 2
RECV_PEEK, RECV_WAITALL = 1, 2

WHENCE_SET, WHENCE_CUR, WHENCE_END = 0, 1, 2
# The values of `whence` in wasi_unstable have another order: current, end, set.
UNSTABLE_WHENCE = {0: WHENCE_CUR, 1: WHENCE_END, 2: WHENCE_SET}

EVENT_CLOCK, EVENT_READ, EVENT_WRITE = 0, 1, 2
EVENT_HANGUP = 1
CLOCK_ABSTIME = 1

# ---- structures, little-endian with the padding of C ----

U16 = Struct("<H")
U32 = Struct("<I")
U64 = Struct("<Q")
IOVEC = Struct("<II")
FDSTAT = Struct("<BxHxxxxQQ")
PRESTAT = Struct("<BxxxI")
DIRENT = Struct("<QQIBxxx")
FILESTAT = Struct("<QQBxxxxxxxQQQQQ")
UNSTABLE_FILESTAT = Struct("<QQBxxxIQQQQ")
# A subscription is its user data, a tag, and a part that depends on the tag: a descriptor, or a
# clock's id, timeout, precision and flags.
SUBSCRIPTION = Struct("<QBxxxxxxxIxxxxQQHxxxxxx")
UNSTABLE_CLOCK_SUBSCRIPTION = Struct("<QBxxxxxxx8xIxxxxQQHxxxxxx")
EVENT = Struct("<QHBxxxxxQHxxxxxx")
