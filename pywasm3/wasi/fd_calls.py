# SPDX-License-Identifier: MIT
"""The fd_* functions, which work on a file descriptor."""

from __future__ import annotations

from .abi import (
    ALL_FDFLAGS,
    DIRENT,
    EBADF,
    EFBIG,
    EINVAL,
    ENAMETOOLONG,
    ENOTCAPABLE,
    FDSTAT,
    FILESTAT,
    FST_ATIM,
    FST_ATIM_NOW,
    FST_MTIM,
    FST_MTIM_NOW,
    MASK_U64,
    MAX_OFFSET,
    PRESTAT,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    SUCCESS,
    UNSTABLE_FILESTAT,
    UNSTABLE_WHENCE,
    WHENCE_CUR,
    WHENCE_END,
    WasiError,
)
from .sources import REALTIME, time_of
from .waiting import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Wasi
    from .descriptors import Times
    from .records import Stat

_MAX_U32 = (1 << 32) - 1
_LAST_ADVICE = 5


# ---- data ----


def _transfer(
    wasi: Wasi, iovecs: int, count: int, result: int, move: Callable[[list[memoryview]], int]
) -> int:
    """Moves bytes from or to the guest's buffers, and writes how many bytes that were."""
    buffers = wasi.memory.buffers(iovecs, count)
    wasi.memory.check(result, 4)
    wasi.memory.put_u32(result, move(buffers))
    return SUCCESS


def fd_read(wasi: Wasi, fd: int, iovecs: int, count: int, result: int) -> int:
    """Reads at the position of the file."""
    descriptor = wasi.descriptors.file(fd)
    descriptor.require_mode(RIGHT_FD_READ)
    return _transfer(wasi, iovecs, count, result, descriptor.read)


def fd_write(wasi: Wasi, fd: int, iovecs: int, count: int, result: int) -> int:
    """Writes at the position of the file."""
    descriptor = wasi.descriptors.file(fd)
    descriptor.require_mode(RIGHT_FD_WRITE)
    return _transfer(wasi, iovecs, count, result, descriptor.write)


def fd_pread(wasi: Wasi, fd: int, iovecs: int, count: int, offset: int, result: int) -> int:
    """Reads from an offset in the file."""
    descriptor = wasi.descriptors.file(fd)
    _offset(offset)
    descriptor.require_position()
    descriptor.require_mode(RIGHT_FD_READ)
    return _transfer(
        wasi,
        iovecs,
        count,
        result,
        lambda buffers: descriptor.pread(buffers, _offset_of(buffers, offset)),
    )


def fd_pwrite(wasi: Wasi, fd: int, iovecs: int, count: int, offset: int, result: int) -> int:
    """Writes at an offset in the file."""
    descriptor = wasi.descriptors.file(fd)
    _offset(offset)
    descriptor.require_position()
    descriptor.require_mode(RIGHT_FD_WRITE)
    return _transfer(
        wasi,
        iovecs,
        count,
        result,
        lambda buffers: descriptor.pwrite(buffers, _offset_of(buffers, offset)),
    )


def _offset(offset: int) -> int:
    if offset > MAX_OFFSET:
        raise WasiError(EINVAL)
    return offset


def _offset_of(buffers: list[memoryview], offset: int) -> int:
    """Returns the offset of a transfer, whose end must be an offset, too."""
    _offset(offset + sum(map(len, buffers)))
    return offset


def fd_seek(wasi: Wasi, fd: int, offset: int, whence: int, result: int) -> int:
    """Moves the position of the file."""
    descriptor = wasi.descriptors.file(fd)
    if whence > WHENCE_END:
        raise WasiError(EINVAL)
    descriptor.require_position()
    wasi.memory.check(result, 8)
    wasi.memory.put_u64(result, descriptor.seek(offset, whence))
    return SUCCESS


def fd_seek_unstable(wasi: Wasi, fd: int, offset: int, whence: int, result: int) -> int:
    """Implements fd_seek of wasi_unstable, which numbers `whence` in another order."""
    return fd_seek(wasi, fd, offset, UNSTABLE_WHENCE.get(whence, whence), result)


def fd_tell(wasi: Wasi, fd: int, result: int) -> int:
    """Writes the position of the file."""
    descriptor = wasi.descriptors.file(fd)
    descriptor.require_position()
    wasi.memory.check(result, 8)
    wasi.memory.put_u64(result, descriptor.seek(0, WHENCE_CUR))
    return SUCCESS


def fd_advise(wasi: Wasi, fd: int, offset: int, size: int, advice: int) -> int:
    """Takes advice on how a file will be used."""
    descriptor = wasi.descriptors.get(fd)
    if advice > _LAST_ADVICE:
        raise WasiError(EINVAL)
    descriptor.advise(_offset(offset), _offset(size), advice)
    return SUCCESS


def fd_allocate(wasi: Wasi, fd: int, offset: int, size: int) -> int:
    """Reserves room in a file."""
    descriptor = wasi.descriptors.file(fd)
    if size == 0:
        raise WasiError(EINVAL)
    descriptor.require_mode(RIGHT_FD_WRITE)
    if _offset(offset) + _offset(size) > MAX_OFFSET:
        raise WasiError(EFBIG)
    descriptor.allocate(offset, size)
    return SUCCESS


def fd_datasync(wasi: Wasi, fd: int) -> int:
    """Writes buffered data to the disk."""
    wasi.descriptors.get(fd).sync(True)
    return SUCCESS


def fd_sync(wasi: Wasi, fd: int) -> int:
    """Writes buffered data and metadata to the disk."""
    wasi.descriptors.get(fd).sync(False)
    return SUCCESS


# ---- the table ----


def fd_close(wasi: Wasi, fd: int) -> int:
    """Closes a descriptor."""
    wasi.descriptors.close(fd)
    return SUCCESS


def fd_renumber(wasi: Wasi, fd: int, to: int) -> int:
    """Closes descriptor `to`, and gives its number to descriptor `fd`."""
    wasi.descriptors.renumber(fd, to)
    return SUCCESS


# ---- what is known of a descriptor ----


def fd_fdstat_get(wasi: Wasi, fd: int, result: int) -> int:
    """Writes the type, the flags and the rights of a descriptor."""
    descriptor = wasi.descriptors.get(fd)
    packed = FDSTAT.pack(
        descriptor.type, descriptor.flags, descriptor.rights, descriptor.inheriting
    )
    wasi.memory.write(result, packed)
    return SUCCESS


def fd_fdstat_set_flags(wasi: Wasi, fd: int, flags: int) -> int:
    """Sets the flags of a descriptor."""
    descriptor = wasi.descriptors.get(fd)
    if flags & ~ALL_FDFLAGS:
        raise WasiError(EINVAL)
    descriptor.set_flags(flags)
    return SUCCESS


def fd_fdstat_set_rights(wasi: Wasi, fd: int, rights: int, inheriting: int) -> int:
    """Takes rights away from those that are reported; none can be added.

    A file without FD_READ or FD_WRITE is not open for reading or writing any more. Other rights
    forbid nothing.
    """
    descriptor = wasi.descriptors.get(fd)
    if rights & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise WasiError(ENOTCAPABLE)
    descriptor.rights, descriptor.inheriting = rights, inheriting
    wasi.descriptors.changed(fd)
    return SUCCESS


def pack_stat(stat: Stat) -> bytes:
    """Packs what is known of a file as a filestat structure."""
    return FILESTAT.pack(*stat)


def pack_unstable_stat(stat: Stat) -> bytes:
    """Packs what is known of a file as a filestat structure of wasi_unstable."""
    return UNSTABLE_FILESTAT.pack(*stat._replace(links=min(stat.links, _MAX_U32)))


def fd_filestat_get(wasi: Wasi, fd: int, result: int) -> int:
    """Writes what is known of the file behind a descriptor."""
    descriptor = wasi.descriptors.get(fd)
    wasi.memory.write(result, pack_stat(descriptor.stat()))
    return SUCCESS


def fd_filestat_get_unstable(wasi: Wasi, fd: int, result: int) -> int:
    """Implements fd_filestat_get of wasi_unstable, whose structure differs."""
    descriptor = wasi.descriptors.get(fd)
    wasi.memory.write(result, pack_unstable_stat(descriptor.stat()))
    return SUCCESS


def fd_filestat_set_size(wasi: Wasi, fd: int, size: int) -> int:
    """Cuts a file to a size, or fills it up with zeros."""
    descriptor = wasi.descriptors.file(fd)
    if not descriptor.rights & RIGHT_FD_WRITE:  # As on Linux, this is not EBADF.
        raise WasiError(EINVAL)
    descriptor.set_size(_offset(size))
    return SUCCESS


def fd_filestat_set_times(wasi: Wasi, fd: int, atime: int, mtime: int, flags: int) -> int:
    """Sets the times of a file."""
    descriptor = wasi.descriptors.get(fd)
    descriptor.set_times(times_of(wasi, atime, mtime, flags))
    return SUCCESS


def times_of(wasi: Wasi, atime: int, mtime: int, flags: int) -> Times:
    """Returns the times that the flags choose; None leaves a time unchanged.

    Raises:
        WasiError: EINVAL, when a flag is unknown or two flags contradict each other.
    """
    both_atime, both_mtime = FST_ATIM | FST_ATIM_NOW, FST_MTIM | FST_MTIM_NOW
    if flags & ~(both_atime | both_mtime):
        raise WasiError(EINVAL)
    if flags & both_atime == both_atime or flags & both_mtime == both_mtime:
        raise WasiError(EINVAL)
    now = 0
    if flags & (FST_ATIM_NOW | FST_MTIM_NOW):
        now = time_of(wasi.clock, REALTIME) & MASK_U64
    return (
        atime if flags & FST_ATIM else now if flags & FST_ATIM_NOW else None,
        mtime if flags & FST_MTIM else now if flags & FST_MTIM_NOW else None,
    )


# ---- directories ----


def _preopened_name(wasi: Wasi, fd: int) -> bytes:
    name = wasi.descriptors.get(fd).guest_name
    if name is None:
        raise WasiError(EBADF)
    return name


def fd_prestat_get(wasi: Wasi, fd: int, result: int) -> int:
    """Writes that a descriptor is a preopened directory, and the length of its name."""
    wasi.memory.write(result, PRESTAT.pack(0, len(_preopened_name(wasi, fd))))
    return SUCCESS


def fd_prestat_dir_name(wasi: Wasi, fd: int, buffer: int, size: int) -> int:
    """Writes the name of a preopened directory."""
    name = _preopened_name(wasi, fd)
    wasi.memory.check(buffer, size)
    if size < len(name):
        raise WasiError(ENAMETOOLONG)
    wasi.memory.write(buffer, name)
    return SUCCESS


def fd_readdir(wasi: Wasi, fd: int, buffer: int, size: int, cookie: int, result: int) -> int:
    """Writes directory entries from a cookie on; the last is cut where the buffer ends.

    Entries come from the directory one by one: no list of them is kept between calls.
    """
    directory = wasi.descriptors.directory(fd)
    memory = wasi.memory
    memory.check(buffer, size)
    memory.check(result, 4)
    wasi.keep_listing(directory)
    written = 0
    for following, (name, inode, type_) in directory.entries(cookie):
        data = DIRENT.pack(following, inode, len(name), type_) + name
        room = size - written
        memory.write(buffer + written, data[:room])
        written += min(len(data), room)
        if written == size:
            break
        check()
    memory.put_u32(result, written)
    return SUCCESS
