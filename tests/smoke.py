"""Tries the least that a wheel must do: decode, instantiate and call. Needs only the wheel."""

import pywasm3

# (module (func (export "add") (param i32 i32) (result i32)
#   local.get 0  local.get 1  i32.add))
ADD = bytes.fromhex(
    "0061736d 01000000"  # "\0asm", version 1
    "01 07 01 60 02 7f7f 01 7f"  # type 0: (i32, i32) -> i32
    "03 02 01 00"  # function 0 has type 0
    "07 07 01 03 616464 00 00"  # export "add": function 0
    "0a 09 01 07 00 2000 2001 6a 0b"  # its body
)


def main() -> None:
    add = pywasm3.load(ADD).exports.add
    assert add(2, 3) == 5
    assert add(0x7FFFFFFF, 1) == -0x80000000
    try:
        add(1)
    except TypeError:
        pass
    else:
        raise AssertionError("a missing argument went unnoticed")
    print(f"pywasm3 {pywasm3.__version__} from {pywasm3.__file__}: 2 + 3 = {add(2, 3)}")


if __name__ == "__main__":
    main()
