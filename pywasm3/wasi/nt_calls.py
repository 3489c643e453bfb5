# SPDX-License-Identifier: MIT
"""The calls of Windows that at_windows.py makes, by ctypes. Only Windows has them.

A handle is an int. Every call raises OSError with an errno that nt.py finds for the system's error.
"""

from __future__ import annotations

import ctypes
import os
from abc import ABC, abstractmethod

from . import nt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # What ctypes and msvcrt have on Windows only, so that no type checker knows it elsewhere.
    WinDLL: Any
    get_last_error: Any
    msvcrt: Any
elif os.name == "nt":
    import msvcrt
    from ctypes import WinDLL, get_last_error

_SHARE_ALL = 7  # Others may read, write, rename and remove the file meanwhile.
_CASE_INSENSITIVE = 0x40
_NORMAL = 0x80
_OPEN_EXISTING = 3
_BACKUP_SEMANTICS = 0x02000000
_GET_REPARSE_POINT = 0x900A8
_NO_MORE_FILES = 18
# Classes of information: of Get- and SetFileInformationByHandle...
_BASIC, _DISPOSITION, _END_OF_FILE, _ATTRIBUTE_TAG = 0, 4, 6, 9
_LIST, _LIST_RESTART, _DISPOSITION_EX = 10, 11, 21
# ... and of NtSetInformationFile.
_NT_RENAME, _NT_LINK, _NT_RENAME_EX = 10, 11, 65


class UnicodeString(ctypes.Structure):
    """UNICODE_STRING. The sizes are in bytes."""

    _fields_ = [
        ("length", ctypes.c_uint16),
        ("maximum_length", ctypes.c_uint16),
        ("buffer", ctypes.c_void_p),
    ]


class ObjectAttributes(ctypes.Structure):
    """OBJECT_ATTRIBUTES: a name below a directory."""

    _fields_ = [
        ("length", ctypes.c_uint32),
        ("root_directory", ctypes.c_void_p),
        ("object_name", ctypes.POINTER(UnicodeString)),
        ("attributes", ctypes.c_uint32),
        ("security_descriptor", ctypes.c_void_p),
        ("security_quality_of_service", ctypes.c_void_p),
    ]


class IoStatusBlock(ctypes.Structure):
    """IO_STATUS_BLOCK."""

    _fields_ = [("status", ctypes.c_void_p), ("information", ctypes.c_size_t)]


class Calls(ABC):
    """The calls as at_windows.py sees them. Tests have a file system of their own behind them."""

    @abstractmethod
    def open_path(self, path: str | bytes | os.PathLike[str]) -> int:
        """Opens a directory by its path, and follows links: the host chose the path."""

    @abstractmethod
    def create(self, parent: int, name: str, request: nt.Request) -> int:
        """Opens or creates a name below a directory. "" opens the directory once more."""

    @abstractmethod
    def reopen(self, handle: int, access: int) -> int:
        """Opens the file of a handle once more, with other access."""

    @abstractmethod
    def close(self, handle: int) -> None:
        """Closes a handle."""

    @abstractmethod
    def to_fd(self, handle: int, flags: int) -> int:
        """Makes a descriptor of the C library of a handle, which is then the descriptor's."""

    @abstractmethod
    def handle_of(self, fd: int) -> int:
        """Returns the handle of a descriptor, which keeps it."""

    @abstractmethod
    def information(self, handle: int) -> nt.Information:
        """Describes a file."""

    @abstractmethod
    def reparse_data(self, handle: int) -> bytes:
        """Returns the REPARSE_DATA_BUFFER of a link."""

    @abstractmethod
    def list(self, handle: int, restart: bool) -> bytes:
        """Returns the next FILE_ID_BOTH_DIR_INFO of a directory; b"" when there are no more."""

    @abstractmethod
    def remove(self, handle: int) -> None:
        """Removes the file or the empty directory of a handle that was opened with DELETE."""

    @abstractmethod
    def rename(self, handle: int, parent: int, name: str) -> None:
        """Gives the file of a handle a name below a directory, and replaces a file there."""

    @abstractmethod
    def link(self, handle: int, parent: int, name: str) -> None:
        """Gives the file of a handle one more name."""

    @abstractmethod
    def set_times(self, handle: int, accessed: int, written: int) -> None:
        """Sets both times, in 100 ns since 1601."""

    @abstractmethod
    def set_size(self, handle: int, size: int) -> None:
        """Cuts a file, or makes it longer without writing the zeros."""

    @abstractmethod
    def flush(self, handle: int) -> None:
        """Writes to the disk what Windows has buffered of a file that is open for writing."""


class NtCalls(Calls):
    """The calls of ntdll and kernel32."""

    def __init__(self) -> None:
        self._nt = WinDLL("ntdll")
        self._kernel = WinDLL("kernel32", use_last_error=True)
        handle, number, pointer = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p
        for function, result, parameters in (
            (self._nt.NtCreateFile, number, [pointer, number, pointer, pointer, pointer]),
            (self._nt.NtSetInformationFile, number, [handle, pointer, pointer, number, number]),
            (self._nt.RtlNtStatusToDosError, number, [number]),
            (self._kernel.CreateFileW, handle, [ctypes.c_wchar_p, number, number, pointer]),
            (self._kernel.ReOpenFile, handle, [handle, number, number, number]),
            (self._kernel.CloseHandle, number, [handle]),
            (self._kernel.GetFileInformationByHandle, number, [handle, pointer]),
            (self._kernel.GetFileInformationByHandleEx, number, [handle, number, pointer, number]),
            (self._kernel.SetFileInformationByHandle, number, [handle, number, pointer, number]),
            (self._kernel.DeviceIoControl, number, [handle, number, pointer, number, pointer]),
            (self._kernel.FlushFileBuffers, number, [handle]),
        ):
            function.restype, function.argtypes = result, parameters
        self._nt.NtCreateFile.argtypes += [number] * 4 + [pointer, number]
        self._kernel.CreateFileW.argtypes += [number, number, handle]
        self._kernel.DeviceIoControl.argtypes += [number, pointer, pointer]

    def _check(self, done: int) -> None:
        if not done:
            raise nt.error_of_win32(get_last_error())

    def _check_handle(self, handle: int | None) -> int:
        if handle is None or handle == ctypes.c_void_p(-1).value:
            raise nt.error_of_win32(get_last_error())
        return handle

    def _error(self, status: int) -> OSError:
        return nt.error_of_status(status, self._nt.RtlNtStatusToDosError(status))

    def open_path(self, path: str | bytes | os.PathLike[str]) -> int:
        """Opens a directory by its path, and follows links: the host chose the path."""
        access = nt.ANY | nt.FILE_LIST_DIRECTORY | nt.FILE_TRAVERSE
        text = os.path.abspath(os.fsdecode(path))
        return self._check_handle(
            self._kernel.CreateFileW(
                text, access, _SHARE_ALL, None, _OPEN_EXISTING, _BACKUP_SEMANTICS, None
            )
        )

    def create(self, parent: int, name: str, request: nt.Request) -> int:
        """Opens or creates a name below a directory. "" opens the directory once more."""
        encoded = nt.encode_name(name)
        buffer = ctypes.create_string_buffer(encoded, len(encoded) + 2)
        text = UnicodeString(len(encoded), len(encoded) + 2, ctypes.addressof(buffer))
        attributes = ObjectAttributes(
            ctypes.sizeof(ObjectAttributes), parent, ctypes.pointer(text), _CASE_INSENSITIVE
        )
        handle, done = ctypes.c_void_p(), IoStatusBlock()
        status = self._nt.NtCreateFile(
            ctypes.byref(handle),
            request.access,
            ctypes.byref(attributes),
            ctypes.byref(done),
            None,
            _NORMAL,
            _SHARE_ALL,
            request.disposition,
            request.options,
            None,
            0,
        )
        if status or handle.value is None:
            raise self._error(status)
        return handle.value

    def reopen(self, handle: int, access: int) -> int:
        """Opens the file of a handle once more, with other access."""
        return self._check_handle(
            self._kernel.ReOpenFile(handle, access, _SHARE_ALL, _BACKUP_SEMANTICS)
        )

    def close(self, handle: int) -> None:
        """Closes a handle."""
        self._check(self._kernel.CloseHandle(handle))

    def to_fd(self, handle: int, flags: int) -> int:
        """Makes a descriptor of the C library of a handle, which is then the descriptor's."""
        try:
            return int(msvcrt.open_osfhandle(handle, flags))
        except BaseException:
            self.close(handle)
            raise

    def handle_of(self, fd: int) -> int:
        """Returns the handle of a descriptor, which keeps it."""
        return int(msvcrt.get_osfhandle(fd))

    def _get(self, handle: int, kind: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        self._check(self._kernel.GetFileInformationByHandleEx(handle, kind, buffer, size))
        return buffer.raw

    def _set(self, handle: int, kind: int, data: bytes) -> None:
        self._check(self._kernel.SetFileInformationByHandle(handle, kind, data, len(data)))

    def information(self, handle: int) -> nt.Information:
        """Describes a file."""
        by_handle = ctypes.create_string_buffer(nt.BY_HANDLE_SIZE)
        self._check(self._kernel.GetFileInformationByHandle(handle, by_handle))
        basic = self._get(handle, _BASIC, nt.BASIC_SIZE)
        tag = self._get(handle, _ATTRIBUTE_TAG, nt.ATTRIBUTE_TAG_SIZE)
        return nt.information_of(by_handle.raw, basic, tag)

    def reparse_data(self, handle: int) -> bytes:
        """Returns the REPARSE_DATA_BUFFER of a link."""
        buffer, size = ctypes.create_string_buffer(nt.REPARSE_SIZE), ctypes.c_uint32()
        control = self._kernel.DeviceIoControl
        self._check(
            control(
                handle,
                _GET_REPARSE_POINT,
                None,
                0,
                buffer,
                nt.REPARSE_SIZE,
                ctypes.byref(size),
                None,
            )
        )
        return buffer.raw[: size.value]

    def list(self, handle: int, restart: bool) -> bytes:
        """Returns the next FILE_ID_BOTH_DIR_INFO of a directory; b"" when there are no more."""
        buffer = ctypes.create_string_buffer(nt.LISTING_SIZE)
        kind = _LIST_RESTART if restart else _LIST
        size = nt.LISTING_SIZE
        if self._kernel.GetFileInformationByHandleEx(handle, kind, buffer, size):
            return buffer.raw
        code = get_last_error()
        if code == _NO_MORE_FILES:
            return b""
        raise nt.error_of_win32(code)

    def remove(self, handle: int) -> None:
        """Removes the file or the empty directory of a handle that was opened with DELETE.

        The name is free at once, even if others have the file open. Where the file system does not
        know that, it is free when the last one closes the file.
        """
        flags = (nt.REPLACE | nt.POSIX_SEMANTICS).to_bytes(4, "little")  # 1 is DELETE here
        size, change = len(flags), self._kernel.SetFileInformationByHandle
        if not change(handle, _DISPOSITION_EX, flags, size):
            self._set(handle, _DISPOSITION, b"\1")

    def _name(self, handle: int, kind: int, flags: int, parent: int, name: str) -> int:
        data, done = nt.pack_rename(flags, parent, name), IoStatusBlock()
        call = self._nt.NtSetInformationFile
        return int(call(handle, ctypes.byref(done), data, len(data), kind))

    def rename(self, handle: int, parent: int, name: str) -> None:
        """Gives the file of a handle a name below a directory, and replaces a file there."""
        flags = nt.REPLACE | nt.POSIX_SEMANTICS
        status = self._name(handle, _NT_RENAME_EX, flags, parent, name)
        if status in nt.UNKNOWN_CLASS:
            status = self._name(handle, _NT_RENAME, nt.REPLACE, parent, name)
        if status:
            raise self._error(status)

    def link(self, handle: int, parent: int, name: str) -> None:
        """Gives the file of a handle one more name."""
        status = self._name(handle, _NT_LINK, 0, parent, name)
        if status:
            raise self._error(status)

    def set_times(self, handle: int, accessed: int, written: int) -> None:
        """Sets both times, in 100 ns since 1601."""
        self._set(handle, _BASIC, nt.pack_times(accessed, written))

    def set_size(self, handle: int, size: int) -> None:
        """Cuts a file, or makes it longer without writing the zeros."""
        self._set(handle, _END_OF_FILE, size.to_bytes(8, "little"))

    def flush(self, handle: int) -> None:
        """Writes to the disk what Windows has buffered of a file that is open for writing."""
        self._check(self._kernel.FlushFileBuffers(handle))
