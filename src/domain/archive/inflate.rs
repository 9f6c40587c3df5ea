//! Compressed streams, unpacked piece by piece into one small buffer: gzip (RFC 1952) and bzip2.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

use super::ArchiveFault;
use super::entry::add_to_crc32;

/// What is unpacked at once.
const BUFFER: usize = 64 * 1024;

const CUT: ArchiveFault = ArchiveFault::Damaged("it was cut short");
const BROKEN: ArchiveFault = ArchiveFault::Damaged("it does not unpack");

/// Where unpacked bytes go.
pub(super) type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), ArchiveFault> + 'a;

/// Behind the one stream of an archive there may be zeros, as tapes have them. PHP reads a second stream with neither
/// compression, so that it would install half of the package.
fn check_rest(rest: &[u8], several: &'static str) -> Result<(), ArchiveFault> {
    if rest.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(ArchiveFault::Unsupported(several))
    }
}

/// A gzip stream.
pub(super) struct Gunzip {
    state: GzipState,
    inflate: Box<InflateState>,
    buffer: Vec<u8>,
    crc32: u32,
    unpacked: u32,
}

enum GzipState {
    /// The header, as far as it is here.
    Header(Vec<u8>),
    Data,
    /// Checksum and length, as far as they are here.
    Trailer(Vec<u8>),
    End,
}

/// No writer makes larger headers; a name and a comment have no limit by themselves.
const HEADER_LIMIT: usize = 4096;
const HEADER: usize = 10;
const TRAILER: usize = 8;
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            state: GzipState::Header(Vec::new()),
            inflate: InflateState::new_boxed(DataFormat::Raw),
            buffer: vec![0; BUFFER],
            crc32: 0,
            unpacked: 0,
        }
    }

    pub(super) fn add(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), ArchiveFault> {
        let mut rest = piece;
        while !rest.is_empty() {
            match &mut self.state {
                GzipState::Header(header) => {
                    // Byte by byte: where it ends is only known once it is there.
                    let (now, later) = rest.split_at_checked(1).unwrap_or((rest, &[]));
                    header.extend_from_slice(now);
                    rest = later;
                    if is_whole_header(header) {
                        self.state = GzipState::Data;
                    } else if header.len() > HEADER_LIMIT {
                        return Err(BROKEN);
                    }
                }
                GzipState::Data => rest = self.unpack(rest, sink)?,
                GzipState::Trailer(trailer) => {
                    let wanted = TRAILER.saturating_sub(trailer.len());
                    let (now, later) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
                    trailer.extend_from_slice(now);
                    rest = later;
                    if trailer.len() == TRAILER {
                        let expected = [self.crc32.to_le_bytes(), self.unpacked.to_le_bytes()];
                        if trailer.as_slice() != expected.concat() {
                            return Err(ArchiveFault::Damaged("it has another checksum"));
                        }
                        self.state = GzipState::End;
                    }
                }
                GzipState::End => {
                    check_rest(rest, "several gzip streams in one file")?;
                    rest = &[];
                }
            }
        }
        Ok(())
    }

    /// Unpacks one buffer at most, and gives what of the piece is left.
    fn unpack<'a>(
        &mut self,
        piece: &'a [u8],
        sink: &mut Sink<'_>,
    ) -> Result<&'a [u8], ArchiveFault> {
        let mut rest = piece;
        loop {
            let step = inflate(&mut self.inflate, rest, &mut self.buffer, MZFlush::None);
            rest = rest.get(step.bytes_consumed..).unwrap_or_default();
            let unpacked = self.buffer.get(..step.bytes_written).unwrap_or_default();
            self.crc32 = add_to_crc32(self.crc32, unpacked);
            // The trailer has the length without what is above 32 bits.
            self.unpacked = self
                .unpacked
                .wrapping_add(u32::try_from(unpacked.len()).unwrap_or_default());
            let is_full = unpacked.len() == self.buffer.len();
            sink(unpacked)?;
            match step.status {
                Ok(MZStatus::StreamEnd) => {
                    self.state = GzipState::Trailer(Vec::new());
                    return Ok(rest);
                }
                // More may wait inside for room in the buffer.
                Ok(_) if is_full => {}
                // Without input it may also say that it wants some.
                Ok(_) | Err(MZError::Buf) if rest.is_empty() => return Ok(rest),
                Ok(_) if step.bytes_consumed > 0 => {}
                Ok(_) | Err(_) => return Err(BROKEN),
            }
        }
    }

    pub(super) fn finish(&self) -> Result<(), ArchiveFault> {
        match self.state {
            GzipState::End => Ok(()),
            _ => Err(CUT),
        }
    }
}

/// Whether all of a header is here. Its method was looked at before: it is how the format was told.
fn is_whole_header(header: &[u8]) -> bool {
    let whole = || {
        let flags = *header.get(3)?;
        let mut rest = header.get(HEADER..)?;
        if flags & HAS_EXTRA != 0 {
            let length: [u8; 2] = rest.get(..2)?.try_into().ok()?;
            let length = usize::from(u16::from_le_bytes(length));
            rest = rest.get(length.checked_add(2)?..)?;
        }
        for flag in [HAS_NAME, HAS_COMMENT] {
            if flags & flag != 0 {
                let end = rest.iter().position(|byte| *byte == 0)?;
                rest = rest.get(end.checked_add(1)?..)?;
            }
        }
        if flags & HAS_CHECKSUM != 0 {
            rest = rest.get(2..)?;
        }
        rest.is_empty().then_some(())
    };
    whole().is_some()
}

/// A bzip2 stream. It checks its own checksums.
pub(super) struct Bunzip2 {
    decompress: bzip2::Decompress,
    buffer: Vec<u8>,
    is_at_end: bool,
}

impl Bunzip2 {
    pub(super) fn new() -> Self {
        Self {
            decompress: bzip2::Decompress::new(false),
            buffer: vec![0; BUFFER],
            is_at_end: false,
        }
    }

    pub(super) fn add(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), ArchiveFault> {
        let mut rest = piece;
        loop {
            if self.is_at_end {
                return check_rest(rest, "several bzip2 streams in one file");
            }
            let (taken, given) = (self.decompress.total_in(), self.decompress.total_out());
            let status = self
                .decompress
                .decompress(rest, &mut self.buffer)
                .map_err(|_| BROKEN)?;
            let taken = self.decompress.total_in().saturating_sub(taken);
            let given = self.decompress.total_out().saturating_sub(given);
            rest = split_off(rest, taken);
            let given = usize::try_from(given).unwrap_or_default();
            let unpacked = self.buffer.get(..given).unwrap_or_default();
            sink(unpacked)?;
            match status {
                bzip2::Status::StreamEnd => self.is_at_end = true,
                bzip2::Status::Ok if given == self.buffer.len() => {}
                bzip2::Status::Ok if rest.is_empty() => return Ok(()),
                bzip2::Status::Ok if taken > 0 => {}
                _ => return Err(BROKEN),
            }
        }
    }

    pub(super) fn finish(&self) -> Result<(), ArchiveFault> {
        if self.is_at_end { Ok(()) } else { Err(CUT) }
    }
}

fn split_off(piece: &[u8], taken: u64) -> &[u8] {
    usize::try_from(taken)
        .ok()
        .and_then(|taken| piece.get(taken..))
        .unwrap_or_default()
}
