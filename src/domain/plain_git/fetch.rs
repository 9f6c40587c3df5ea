//! Commits with all their files and without their history: the command `fetch` at depth 1 and its answer.

use super::packet::{Packet, PacketReader, printable, text, write_flush, write_line};
use super::refs::Capabilities;
use super::{GitFault, ObjectId};

/// The body of a request for these commits, each with its whole tree.
///
/// `filter` is never used: a stock git server does not offer it. Deltas may only lead back inside of the same pack,
/// since `thin-pack` is not asked for.
pub fn ask_for_commits(capabilities: &Capabilities, commits: &[ObjectId]) -> Vec<u8> {
    let mut request = capabilities.begin("fetch");
    for line in ["no-progress\n", "ofs-delta\n", "deepen 1\n"] {
        write_line(&mut request, line);
    }
    for commit in commits {
        write_line(&mut request, &format!("want {commit}\n"));
    }
    write_line(&mut request, "done\n");
    write_flush(&mut request);
    request
}

/// Takes the pack out of an answer that arrives in chunks.
#[derive(Debug, Default)]
pub struct FetchReader {
    packets: PacketReader,
    is_in_pack: bool,
    is_ended: bool,
}

impl FetchReader {
    /// Reads one more chunk; what it holds of the pack is appended to `pack`.
    pub fn push(&mut self, chunk: &[u8], pack: &mut Vec<u8>) -> Result<(), GitFault> {
        self.packets.push(chunk);
        while let Some(packet) = self.packets.next_packet()? {
            match packet {
                Packet::Data(data) if self.is_in_pack => take_band(&data, pack)?,
                Packet::Data(data) => self.is_in_pack = text(&data)? == "packfile",
                Packet::Delimiter => self.is_in_pack = false,
                Packet::Flush | Packet::ResponseEnd => self.is_ended = true,
            }
        }
        Ok(())
    }

    /// Whether the answer came to its end; a connection that breaks off looks like the end of a body.
    pub fn finish(&self) -> Result<(), GitFault> {
        if self.is_ended && self.packets.is_empty() {
            Ok(())
        } else {
            Err(GitFault::Damaged("it was cut short"))
        }
    }
}

/// The side band: 1 carries the pack, 2 remarks for a person, 3 the reason of a failure.
fn take_band(data: &[u8], pack: &mut Vec<u8>) -> Result<(), GitFault> {
    match data.split_first() {
        Some((1, bytes)) => pack.extend_from_slice(bytes),
        Some((2, _)) => {}
        Some((3, reason)) => {
            return Err(GitFault::Said(printable(&String::from_utf8_lossy(reason))));
        }
        _ => return Err(GitFault::Damaged("a packet has no band")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn band(number: u8, text: &str) -> Vec<u8> {
        let mut packet = Vec::new();
        write_line(&mut packet, &format!("{}{text}", char::from(number)));
        packet
    }

    #[test]
    fn the_pack_is_what_the_first_band_carries() {
        let mut answer = Vec::new();
        write_line(&mut answer, "shallow-info\n");
        write_line(
            &mut answer,
            "shallow 1111111111111111111111111111111111111111\n",
        );
        answer.extend_from_slice(b"0001");
        write_line(&mut answer, "packfile\n");
        answer.extend(band(1, "PACK"));
        answer.extend(band(2, "Counting objects"));
        answer.extend(band(1, "rest"));
        write_flush(&mut answer);
        for cut in 0..answer.len() {
            let (one, other) = answer.split_at(cut);
            let (mut reader, mut pack) = (FetchReader::default(), Vec::new());
            reader.push(one, &mut pack).unwrap();
            assert!(reader.finish().is_err());
            reader.push(other, &mut pack).unwrap();
            assert_eq!(reader.finish(), Ok(()));
            assert_eq!(pack, b"PACKrest");
        }
    }

    #[test]
    fn a_failure_on_the_way_is_told_in_the_servers_words() {
        let mut answer = Vec::new();
        write_line(&mut answer, "packfile\n");
        answer.extend(band(3, "not our ref 2222"));
        let fault = FetchReader::default().push(&answer, &mut Vec::new());
        assert_eq!(fault, Err(GitFault::Said("not our ref 2222".to_owned())));
        let mut refusal = Vec::new();
        write_line(&mut refusal, "ERR upload-pack: not our ref 2222");
        let fault = FetchReader::default().push(&refusal, &mut Vec::new());
        assert_eq!(
            fault,
            Err(GitFault::Said("upload-pack: not our ref 2222".to_owned()))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let mut answer = Vec::new();
            write_line(&mut answer, "packfile\n");
            let (mut reader, mut pack) = (FetchReader::default(), Vec::new());
            for chunk in std::iter::once(&answer).chain(&chunks) {
                if reader.push(chunk, &mut pack).is_err() {
                    break;
                }
            }
        }
    }
}
