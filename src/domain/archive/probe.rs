//! A look at an archive while it comes in: which format it has, and what a tar file holds. A zip file is looked into
//! once it is stored, from its end.

use super::format::{ArchiveFormat, BEGINNING};
use super::inflate::{Bunzip2, Gunzip};
use super::tar::{TarFacts, TarWalker};
use super::{ArchiveFault, ArchiveLimits};

/// Takes an archive in pieces of any size; what it keeps of them does not grow with the archive, but for the names.
pub struct Probe {
    limits: ArchiveLimits,
    packed: u64,
    unpacked: u64,
    walk: Walk,
}

enum Walk {
    /// Too little is here to tell the format.
    Beginning(Vec<u8>),
    Zip,
    Tar(TarWalker),
    TarGz(TarWalker, Gunzip),
    TarBz2(TarWalker, Bunzip2),
}

/// What an archive turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// zip, which is to be looked into from its end.
    Zip,
    /// tar, in some compression or none, looked through.
    Tar(ArchiveFormat, TarFacts),
}

impl Probed {
    /// The format.
    pub fn format(&self) -> ArchiveFormat {
        match self {
            Self::Zip => ArchiveFormat::Zip,
            Self::Tar(format, _) => *format,
        }
    }
}

impl Probe {
    /// Before the first piece.
    pub fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            packed: 0,
            unpacked: 0,
            walk: Walk::Beginning(Vec::new()),
        }
    }

    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), ArchiveFault> {
        self.packed = self
            .packed
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let Walk::Beginning(beginning) = &mut self.walk else {
            return self.walk(piece);
        };
        beginning.extend_from_slice(piece);
        if beginning.len() < BEGINNING {
            return Ok(());
        }
        let beginning = std::mem::take(beginning);
        self.start(&beginning)
    }

    /// Nothing more comes: checks what can only be known now.
    pub fn finish(mut self) -> Result<Probed, ArchiveFault> {
        if let Walk::Beginning(beginning) = &mut self.walk {
            let beginning = std::mem::take(beginning);
            self.start(&beginning)?;
        }
        let (format, walker) = match self.walk {
            Walk::Beginning(_) => return Err(ArchiveFault::UnknownFormat),
            Walk::Zip => return Ok(Probed::Zip),
            Walk::Tar(walker) => (ArchiveFormat::Tar, walker),
            Walk::TarGz(walker, gunzip) => {
                gunzip.finish()?;
                (ArchiveFormat::TarGz, walker)
            }
            Walk::TarBz2(walker, bunzip2) => {
                bunzip2.finish()?;
                (ArchiveFormat::TarBz2, walker)
            }
        };
        Ok(Probed::Tar(format, walker.finish()?))
    }

    fn start(&mut self, beginning: &[u8]) -> Result<(), ArchiveFault> {
        let walker = TarWalker::new(self.limits);
        self.walk = match ArchiveFormat::detect(beginning) {
            None => return Err(ArchiveFault::UnknownFormat),
            Some(ArchiveFormat::Zip) => Walk::Zip,
            Some(ArchiveFormat::Tar) => Walk::Tar(walker),
            Some(ArchiveFormat::TarGz) => Walk::TarGz(walker, Gunzip::new()),
            Some(ArchiveFormat::TarBz2) => Walk::TarBz2(walker, Bunzip2::new()),
        };
        self.walk(beginning)
    }

    fn walk(&mut self, piece: &[u8]) -> Result<(), ArchiveFault> {
        let (limits, packed) = (self.limits, self.packed);
        let unpacked = &mut self.unpacked;
        // Held against each other all the way: a bomb is not unpacked to its end.
        let mut count = |bytes: &[u8]| {
            *unpacked = unpacked.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if *unpacked > limits.unpacked {
                return Err(ArchiveFault::unpacked_too_large(*unpacked, limits));
            }
            let is_bomb =
                *unpacked > limits.ratio_floor && *unpacked > packed.saturating_mul(limits.ratio);
            if is_bomb {
                return Err(ArchiveFault::ratio_too_high(*unpacked, packed, limits));
            }
            Ok(())
        };
        match &mut self.walk {
            Walk::Beginning(_) | Walk::Zip => Ok(()),
            Walk::Tar(walker) => walker.add(piece),
            Walk::TarGz(walker, gunzip) => gunzip.add(piece, &mut |bytes| {
                count(bytes)?;
                walker.add(bytes)
            }),
            Walk::TarBz2(walker, bunzip2) => bunzip2.add(piece, &mut |bytes| {
                count(bytes)?;
                walker.add(bytes)
            }),
        }
    }
}
