// Writes a zip of files, the same bytes for the same files on every machine: a version that was uploaded once
// is refused with other bytes, so neither the time, nor the order of a folder, nor a compressor's version may show.
// Hence: names sorted, one fixed time, contents stored as they are. Small archives only: it knows no zip64.

const LOCAL_FILE = 0x04034b50;
const CENTRAL_FILE = 0x02014b50;
const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
// 1980-01-01, the first day that a zip can name.
const FIRST_DAY = 0x0021;
const UTF8_NAMES = 0x0800;
const VERSION_NEEDED = 20;
const MADE_ON_UNIX = (3 << 8) | VERSION_NEEDED;
const REGULAR_FILE_FOR_ALL_TO_READ = 0o100644;

/** `files` is a list of `{ name, bytes }`, names with forward slashes. Returns the zip as a Buffer. */
export function zip(files) {
  const sorted = [...files].sort((left, right) => (left.name < right.name ? -1 : 1));
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of sorted) {
    const encodedName = Buffer.from(name, "utf8");
    const described = describe(encodedName, bytes);
    const local = Buffer.concat([uint32(LOCAL_FILE), uint16(VERSION_NEEDED), described, encodedName, bytes]);
    directory.push(
      uint32(CENTRAL_FILE),
      uint16(MADE_ON_UNIX),
      uint16(VERSION_NEEDED),
      described,
      // Comment length, disk, internal attributes, external attributes, where the file begins.
      uint16(0),
      uint16(0),
      uint16(0),
      uint32(REGULAR_FILE_FOR_ALL_TO_READ * 0x10000),
      uint32(offset),
      encodedName,
    );
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = [uint32(END_OF_CENTRAL_DIRECTORY), uint16(0), uint16(0), uint16(sorted.length), uint16(sorted.length)];
  return Buffer.concat([...parts, index, ...end, uint32(index.length), uint32(offset), uint16(0)]);
}

/** The fields that a file's own header and its entry in the directory share. */
function describe(encodedName, bytes) {
  const stored = 0;
  const midnight = 0;
  const extraLength = 0;
  return Buffer.concat([
    uint16(UTF8_NAMES),
    uint16(stored),
    uint16(midnight),
    uint16(FIRST_DAY),
    uint32(crc32(bytes)),
    uint32(bytes.length),
    uint32(bytes.length),
    uint16(encodedName.length),
    uint16(extraLength),
  ]);
}

function uint16(value) {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function uint32(value) {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

// `zlib.crc32` would do, but Node.js has it from 20.15 on only.
const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ CRC_TABLE[(value ^ byte) & 0xff];
  return (value ^ 0xffffffff) >>> 0;
}
