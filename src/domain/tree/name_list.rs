//! The list of a tree's names, read where it lies: it may have a megabyte, of which a page wants a few lines.

use std::rc::Rc;

use super::DamagedTree;

/// The names in the bytes of a list of names, sorted.
pub fn read_names(bytes: &[u8]) -> Result<Vec<String>, DamagedTree> {
    let text = std::str::from_utf8(bytes).map_err(|_| DamagedTree("names"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The bytes of a list of sorted names.
pub fn write_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut text = String::new();
    for name in names {
        text.push_str(name);
        text.push('\n');
    }
    text.into_bytes()
}

/// Names of a list from some point on, in order.
#[derive(Debug, Clone)]
pub struct NameLines {
    bytes: Rc<[u8]>,
    /// Where the next line begins.
    at: usize,
}

impl NameLines {
    /// From the first name that comes after `after`; found by halving.
    pub fn after(bytes: Rc<[u8]>, after: &str) -> Self {
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low.midpoint(high);
            let (start, end) = line_around(&bytes, middle, low, high);
            let line = bytes.get(start..end).unwrap_or_default();
            if line.strip_suffix(b"\n").unwrap_or(line) <= after.as_bytes() {
                low = end;
            } else {
                high = start;
            }
        }
        Self { bytes, at: low }
    }

    /// From the one on before which there are `count`. Looks at each byte on the way and reads none.
    pub fn skipping(bytes: Rc<[u8]>, count: usize) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let at = match count.checked_sub(1) {
            None => 0,
            Some(before) => ends
                .map(|(end, _)| end.saturating_add(1))
                .nth(before)
                .unwrap_or(bytes.len()),
        };
        Self { bytes, at }
    }
}

/// Where the line begins and ends, with its line feed, that has the byte at `middle`, between the ends of other lines.
fn line_around(bytes: &[u8], middle: usize, low: usize, high: usize) -> (usize, usize) {
    let is_end = |byte: &u8| *byte == b'\n';
    let before = bytes.get(low..middle).unwrap_or_default();
    let behind = bytes.get(middle..high).unwrap_or_default();
    let start = before
        .iter()
        .rposition(is_end)
        .map_or(low, |at| low.saturating_add(at).saturating_add(1));
    let end = behind
        .iter()
        .position(is_end)
        .map_or(high, |at| middle.saturating_add(at).saturating_add(1));
    (start, end)
}

impl Iterator for NameLines {
    type Item = Result<String, DamagedTree>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
        self.at = self.at.saturating_add(line.len()).saturating_add(1);
        let name = std::str::from_utf8(line).map_err(|_| DamagedTree("names"));
        Some(name.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collect(lines: NameLines) -> Vec<String> {
        lines.map(Result::unwrap).collect()
    }

    proptest! {
        #[test]
        fn what_comes_after_a_name_is_what_a_look_at_each_finds(
            names in proptest::collection::btree_set("[a-c]{1,3}/[a-c]{1,3}", 0..30),
            after in "[a-c]{0,3}/?[a-c]{0,3}",
            count in 0_usize..40,
        ) {
            let bytes: Rc<[u8]> = write_names(names.iter().map(String::as_str)).into();
            let expected: Vec<_> = names.iter().filter(|name| **name > after).cloned().collect();
            prop_assert_eq!(collect(NameLines::after(bytes.clone(), &after)), expected);
            let expected: Vec<_> = names.iter().skip(count).cloned().collect();
            prop_assert_eq!(collect(NameLines::skipping(bytes, count)), expected);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_damage() {
        let bytes: Rc<[u8]> = b"a/b\n\xff\n".as_slice().into();
        let lines: Vec<_> = NameLines::skipping(bytes, 0).collect();
        assert_eq!(lines, [Ok("a/b".to_owned()), Err(DamagedTree("names"))]);
    }
}
