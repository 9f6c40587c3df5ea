//! Packet lines (gitprotocol-common(5)): four hex digits of length, themselves counted, then the data.

use super::GitFault;

/// The longest packet: 65,516 bytes of data and the length in front.
const LONGEST: usize = 65_520;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Data, without the length.
    Data(Vec<u8>),
    /// The end of a message: `0000`.
    Flush,
    /// The end of a section: `0001`.
    Delimiter,
    /// The end of a whole answer: `0002`.
    ResponseEnd,
}

/// Appends one packet of text.
pub fn write_line(into: &mut Vec<u8>, line: &str) {
    let length = line.len().saturating_add(4);
    into.extend_from_slice(format!("{length:04x}").as_bytes());
    into.extend_from_slice(line.as_bytes());
}

/// Appends the end of a message.
pub fn write_flush(into: &mut Vec<u8>) {
    into.extend_from_slice(b"0000");
}

/// Appends the end of a section.
pub fn write_delimiter(into: &mut Vec<u8>) {
    into.extend_from_slice(b"0001");
}

/// Takes packets out of chunks that end anywhere.
#[derive(Debug, Default)]
pub struct PacketReader {
    buffer: Vec<u8>,
    read: usize,
}

impl PacketReader {
    /// Adds bytes that arrived.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The next packet, or none while it has not arrived whole.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, GitFault> {
        let rest = self.buffer.get(self.read..).unwrap_or_default();
        let Some((digits, after)) = rest.split_at_checked(4) else {
            return Ok(None);
        };
        let length = read_length(digits)?;
        let (packet, taken) = match length {
            0 => (Packet::Flush, 4),
            1 => (Packet::Delimiter, 4),
            2 => (Packet::ResponseEnd, 4),
            _ => {
                let size = length
                    .checked_sub(4)
                    .filter(|_| length <= LONGEST)
                    .ok_or(GitFault::Damaged("a packet has an impossible length"))?;
                let Some(data) = after.get(..size) else {
                    return Ok(None);
                };
                (Packet::Data(data.to_vec()), length)
            }
        };
        self.read = self.read.saturating_add(taken);
        Ok(Some(packet))
    }

    /// Whether everything that arrived was read.
    pub fn is_empty(&self) -> bool {
        self.read == self.buffer.len()
    }
}

fn read_length(digits: &[u8]) -> Result<usize, GitFault> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|text| usize::from_str_radix(text, 16).ok())
        .ok_or(GitFault::NoGit)
}

/// The text of a packet without its final line feed. A server's complaint becomes the fault that it is.
pub fn text(data: &[u8]) -> Result<&str, GitFault> {
    let text = std::str::from_utf8(data)
        .map_err(|_| GitFault::Damaged("a line is no text"))?
        .trim_end_matches('\n');
    match text.strip_prefix("ERR ") {
        Some(complaint) => Err(GitFault::Said(printable(complaint))),
        None => Ok(text),
    }
}

/// A sentence of somebody else's, fit to be shown: one line, not too long.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(300)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_found_wherever_the_chunks_end() {
        let mut message = Vec::new();
        write_line(&mut message, "command=ls-refs\n");
        write_delimiter(&mut message);
        write_line(&mut message, "");
        write_flush(&mut message);
        assert_eq!(message, b"0014command=ls-refs\n000100040000");
        for cut in 0..message.len() {
            let (one, other) = message.split_at(cut);
            let mut reader = PacketReader::default();
            let mut packets = Vec::new();
            for chunk in [one, other] {
                reader.push(chunk);
                while let Some(packet) = reader.next_packet().unwrap() {
                    packets.push(packet);
                }
            }
            assert!(reader.is_empty());
            assert_eq!(
                packets,
                [
                    Packet::Data(b"command=ls-refs\n".to_vec()),
                    Packet::Delimiter,
                    Packet::Data(Vec::new()),
                    Packet::Flush
                ]
            );
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for (bytes, fault) in [
            ("<!DO", GitFault::NoGit),
            (
                "0003",
                GitFault::Damaged("a packet has an impossible length"),
            ),
            (
                "ffff",
                GitFault::Damaged("a packet has an impossible length"),
            ),
        ] {
            let mut reader = PacketReader::default();
            reader.push(bytes.as_bytes());
            assert_eq!(reader.next_packet(), Err(fault));
        }
        assert_eq!(
            text(b"ERR no such\x07 repository\n"),
            Err(GitFault::Said("no such  repository".to_owned()))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut reader = PacketReader::default();
            for chunk in chunks {
                reader.push(&chunk);
                while let Ok(Some(_)) = reader.next_packet() {}
            }
        }
    }
}
