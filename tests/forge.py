"""Copy a model with an item of a tensor changed and the checksums made right.

usage: forge.py MODEL TENSOR ITEM VALUE > FORGED
       forge.py MODEL header TEXT OTHER > FORGED

The second replaces text of the header, once, and fills it up with spaces.

What no checksum can tell must be found by looking at the values."""
import ctypes, json, struct, sys

hashes = ctypes.CDLL("libxxhash.so.0")
hashes.XXH3_64bits.restype = ctypes.c_uint64
FORMATS = {"U8": "B", "I32": "<i", "I64": "<q", "F32": "<f", "F64": "<d"}


def checksum(data):
    data = bytes(data)
    return struct.pack("<Q", hashes.XXH3_64bits(data, ctypes.c_size_t(
        len(data))))


model, tensor, item, value = sys.argv[1:]
data = bytearray(open(model, "rb").read())
begin = 8 + int.from_bytes(data[:8], "little")
header = json.loads(data[8:begin])
header.pop("__metadata__")
if tensor == "header":
    text = data[8:begin].rstrip()
    assert item.encode() in text, item
    text = text.replace(item.encode(), value.encode(), 1)
    text += b" " * (-(8 + len(text)) % 64)
    head = struct.pack("<Q", len(text)) + text
    body = data[begin:]
    at = header["checksum"]["data_offsets"][0]
    body[at:at + 8] = checksum(head)
    sys.stdout.buffer.write(head + body)
    sys.exit()
form = FORMATS[header[tensor]["dtype"]]
at = begin + header[tensor]["data_offsets"][0] + int(item) * struct.calcsize(
    form)
struct.pack_into(form, data, at, (float if form in "<f<d" else int)(value))
places = sorted(t["data_offsets"] for n, t in header.items()
                if n != "checksum")
sums = checksum(data[:begin]) + b"".join(
    checksum(data[begin + a:begin + b]) for a, b in places)
data[begin + header["checksum"]["data_offsets"][0]:] = sums
sys.stdout.buffer.write(data)
