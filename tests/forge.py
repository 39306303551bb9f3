"""Copy a model with an item of a tensor changed and the checksums made right.

usage: forge.py MODEL TENSOR ITEM VALUE > FORGED
       forge.py MODEL header TEXT OTHER > FORGED
       forge.py MODEL < CHANGES

The second replaces text of the header, once, and fills it up with spaces.  The
third reads lines TENSOR ITEM VALUE, and writes for each a file forged.N, N from
1.

What no checksum can tell must be found by looking at the values."""
import ctypes, json, struct, sys

hashes = ctypes.CDLL("libxxhash.so.0")
hashes.XXH3_64bits.restype = ctypes.c_uint64
FORMATS = {"U8": "B", "I32": "<i", "I64": "<q", "F32": "<f", "F64": "<d"}


def checksum(data):
    data = bytes(data)
    return struct.pack("<Q", hashes.XXH3_64bits(data, ctypes.c_size_t(
        len(data))))


class Model:
    """A file whose tensors can be read and changed item by item."""

    def __init__(self, path):
        self.data = bytearray(open(path, "rb").read())
        self.begin = 8 + int.from_bytes(self.data[:8], "little")
        self.header = json.loads(self.data[8:self.begin])
        self.metadata = self.header.pop("__metadata__")

    def at(self, tensor, item):
        about = self.header[tensor]
        form = FORMATS[about["dtype"]]
        size = struct.calcsize(form)
        first, end = about["data_offsets"]
        return form, self.begin + first + item * size, (end - first) // size

    def count(self, tensor):
        return self.at(tensor, 0)[2]

    def get(self, tensor, item):
        form, at, _ = self.at(tensor, item)
        return struct.unpack_from(form, self.data, at)[0]

    def set(self, tensor, item, value):
        form, at, _ = self.at(tensor, item)
        struct.pack_into(form, self.data, at,
                         (float if form in "<f<d" else int)(value))

    def tensor_sum(self, tensor):
        a, b = self.header[tensor]["data_offsets"]
        return checksum(self.data[self.begin + a:self.begin + b])

    def forged(self):
        """The bytes, with checksums that are right."""
        places = sorted(
            (t["data_offsets"], n) for n, t in self.header.items()
            if n != "checksum")
        self.data[self.begin + self.header["checksum"]["data_offsets"][0]:] = (
            checksum(self.data[:self.begin]) +
            b"".join(self.tensor_sum(n) for _, n in places))
        return bytes(self.data)

    def forged_header(self, text, other):
        """The bytes, with text of the header replaced by other."""
        head = bytes(self.data[8:self.begin].rstrip())
        assert text.encode() in head, text
        head = head.replace(text.encode(), other.encode(), 1)
        head += b" " * (-(8 + len(head)) % 64)
        head = struct.pack("<Q", len(head)) + head
        body = self.data[self.begin:]
        at = self.header["checksum"]["data_offsets"][0]
        body[at:at + 8] = checksum(head)
        return head + bytes(body)


def forge_each(path):
    for number, line in enumerate(sys.stdin, 1):
        tensor, item, value = line.split()
        model = Model(path)
        model.set(tensor, int(item), value)
        with open(f"forged.{number}", "wb") as file:
            file.write(model.forged())


if __name__ == "__main__":
    if len(sys.argv) == 2:
        forge_each(sys.argv[1])
        sys.exit()
    path, tensor, item, value = sys.argv[1:]
    model = Model(path)
    if tensor == "header":
        sys.stdout.buffer.write(model.forged_header(item, value))
    else:
        model.set(tensor, int(item), value)
        sys.stdout.buffer.write(model.forged())
