//! Deltas: an object as pieces of another one and new bytes between them.

use super::GitFault;
use super::entry::bounded;

const FAULT: GitFault = GitFault::Damaged("a delta does not fit its base");

/// Builds the object that `delta` makes of `base`.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, GitFault> {
    let mut rest = delta;
    let base_size = read_size(&mut rest)?;
    let size = bounded(read_size(&mut rest)?)?;
    if u64::try_from(base.len()) != Ok(base_size) {
        return Err(FAULT);
    }
    let mut result = Vec::with_capacity(size);
    while let Some((instruction, after)) = rest.split_first() {
        rest = after;
        let piece = if instruction & 0x80 != 0 {
            let offset = read_number(&mut rest, instruction & 0x0f, 4)?;
            let length = match read_number(&mut rest, (instruction >> 4) & 7, 3)? {
                0 => 0x1_0000,
                length => length,
            };
            let end = offset.checked_add(length).ok_or(FAULT)?;
            base.get(offset..end).ok_or(FAULT)?
        } else {
            let (piece, after) = rest
                .split_at_checked(usize::from(*instruction))
                .filter(|(piece, _)| !piece.is_empty())
                .ok_or(FAULT)?;
            rest = after;
            piece
        };
        if result.len().saturating_add(piece.len()) > size {
            return Err(FAULT);
        }
        result.extend_from_slice(piece);
    }
    if result.len() == size {
        Ok(result)
    } else {
        Err(FAULT)
    }
}

/// Seven bits a byte, lowest first.
fn read_size(rest: &mut &[u8]) -> Result<u64, GitFault> {
    let mut size = 0_u64;
    let mut shift = 0_u32;
    loop {
        let (byte, after) = rest.split_first().ok_or(FAULT)?;
        *rest = after;
        let part = u64::from(byte & 0x7f)
            .checked_shl(shift)
            .filter(|_| shift < 57)
            .ok_or(FAULT)?;
        size |= part;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
        shift = shift.saturating_add(7);
    }
}

/// The bytes of a number, lowest first, of which `present` says by its bits which are there.
fn read_number(rest: &mut &[u8], present: u8, bytes: u32) -> Result<usize, GitFault> {
    let mut number = 0_usize;
    for index in 0..bytes {
        if present & (1 << index) != 0 {
            let (byte, after) = rest.split_first().ok_or(FAULT)?;
            *rest = after;
            let shift = index.saturating_mul(8);
            number |= usize::from(*byte).checked_shl(shift).ok_or(FAULT)?;
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_copied_and_new_bytes_put_between() {
        let base = b"the quick brown fox";
        // 19 bytes become 16: copy 4 from 0, insert "slow", copy 8 from 9.
        let delta = [&[19, 16, 0x90, 4, 4][..], b"slow", &[0x91, 9, 8]].concat();
        assert_eq!(apply(base, &delta).unwrap(), b"the slow brown f");
        for end in 0..delta.len() {
            assert!(apply(base, &delta[..end]).is_err(), "{end}");
        }
        assert!(apply(b"another base", &delta).is_err());
        // An instruction of 0 is reserved.
        assert!(apply(base, &[19, 1, 0]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_applied_or_refused(base in prop::collection::vec(any::<u8>(), 0..50), delta in prop::collection::vec(any::<u8>(), 0..50)) {
            let _ = apply(&base, &delta);
        }
    }
}
