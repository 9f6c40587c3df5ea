//! The patterns of `.gitattributes` (gitignore(5), without its negation), matched as git's `wildmatch` does.

/// How slashes are met by wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slashes {
    /// Like any other byte: the pattern has no slash and is held against a file's name alone.
    Plain,
    /// Only by `**`: the pattern is held against a path.
    Apart,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    Any,
    /// `[…]`: whether it is turned round, and its ranges.
    Class(bool, Vec<(u8, u8)>),
    /// `*`
    Star,
    /// `**` that also takes slashes.
    Stars,
    /// `**/`: nothing at all, or anything up to and with a slash.
    Folders,
}

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Vec<Token>,
    slashes: Slashes,
}

impl Glob {
    /// Reads a pattern. None for one that git matches with nothing: an open bracket, a backslash at the end.
    pub(super) fn parse(pattern: &[u8], slashes: Slashes) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut at = 0_usize;
        while let Some(byte) = pattern.get(at) {
            at = at.saturating_add(1);
            match byte {
                b'\\' => {
                    tokens.push(Token::Byte(*pattern.get(at)?));
                    at = at.saturating_add(1);
                }
                b'?' => tokens.push(Token::Any),
                b'[' => {
                    let (token, end) = read_class(pattern, at)?;
                    tokens.push(token);
                    at = end;
                }
                b'*' => {
                    let (token, end) = read_stars(pattern, at, slashes);
                    tokens.push(token);
                    at = end;
                }
                byte => tokens.push(Token::Byte(*byte)),
            }
        }
        Some(Self { tokens, slashes })
    }

    /// Whether the whole of `text` fits. Takes at most as many steps as the lengths of both multiplied.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        // Nearly all patterns are a name or `*.name`, and nearly all texts end otherwise.
        let mut bytes = text.iter().rev();
        for token in self.tokens.iter().rev() {
            match token {
                Token::Byte(wanted) if bytes.next() == Some(wanted) => {}
                Token::Byte(_) => return false,
                _ => return self.matches_slowly(text),
            }
        }
        bytes.next().is_none()
    }

    fn matches_slowly(&self, text: &[u8]) -> bool {
        // `fits[i]`: whether the tokens from the current one on fit the text from `i` on; filled from the last token.
        let mut fits = vec![false; text.len().saturating_add(1)];
        if let Some(end) = fits.last_mut() {
            *end = true;
        }
        for token in self.tokens.iter().rev() {
            fits = self.step(token, &fits, text);
        }
        fits.first().copied().unwrap_or_default()
    }

    fn step(&self, token: &Token, after: &[bool], text: &[u8]) -> Vec<bool> {
        let mut fits = vec![false; after.len()];
        // For `**/`: whether a slash further on is followed by a fit.
        let mut behind_a_slash = false;
        for at in (0..after.len()).rev() {
            let byte = text.get(at).copied();
            let next = at.saturating_add(1);
            let rest = after.get(next).copied().unwrap_or_default();
            let further = fits.get(next).copied().unwrap_or_default();
            let here = after.get(at).copied().unwrap_or_default();
            let is_slash = byte == Some(b'/') && self.slashes == Slashes::Apart;
            let fit = match token {
                Token::Byte(wanted) => byte == Some(*wanted) && rest,
                Token::Any => byte.is_some() && !is_slash && rest,
                Token::Class(is_turned, ranges) => {
                    byte.is_some_and(|byte| {
                        let is_in = ranges
                            .iter()
                            .any(|(low, high)| (*low..=*high).contains(&byte));
                        is_in != *is_turned
                    }) && !is_slash
                        && rest
                }
                Token::Star => here || (byte.is_some() && !is_slash && further),
                Token::Stars => here || (byte.is_some() && further),
                Token::Folders => {
                    behind_a_slash |= byte == Some(b'/') && rest;
                    here || behind_a_slash
                }
            };
            if let Some(slot) = fits.get_mut(at) {
                *slot = fit;
            }
        }
        fits
    }
}

/// `*` and its like; `at` is behind the first star.
fn read_stars(pattern: &[u8], at: usize, slashes: Slashes) -> (Token, usize) {
    let count = pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| **byte == b'*')
        .count();
    let end = at.saturating_add(count);
    if slashes == Slashes::Plain {
        return (Token::Stars, end);
    }
    // Git compares what is in front of the first wildcard by itself and starts afresh behind it, so a wildcard that is
    // the first counts as the start of a segment wherever it stands.
    let before = pattern.get(..at.saturating_sub(1)).unwrap_or_default();
    let starts_segment = before.last() == Some(&b'/')
        || !before
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'));
    let next = pattern.get(end);
    let ends_segment = match next {
        None | Some(b'/') => true,
        Some(b'\\') => pattern.get(end.saturating_add(1)) == Some(&b'/'),
        Some(_) => false,
    };
    match (count, starts_segment && ends_segment, next) {
        (0, _, _) | (_, false, _) => (Token::Star, end),
        (_, true, Some(b'/')) => (Token::Folders, end.saturating_add(1)),
        (_, true, _) => (Token::Stars, end),
    }
}

/// `[a-z]`, `[!a]`, `[[:digit:]]`; `at` is behind the bracket.
fn read_class(pattern: &[u8], at: usize) -> Option<(Token, usize)> {
    let is_turned = matches!(pattern.get(at), Some(b'!' | b'^'));
    let mut at = at.saturating_add(usize::from(is_turned));
    let mut ranges = Vec::new();
    // The byte that a `-` may follow; none where no range can begin.
    let mut low: Option<u8> = None;
    // A bracket in the first place stands for itself.
    loop {
        let byte = *pattern.get(at)?;
        let next = pattern.get(at.saturating_add(1)).copied();
        match (byte, low, next) {
            (b'\\', _, _) => {
                at = at.saturating_add(1);
                let escaped = next?;
                ranges.push((escaped, escaped));
                low = Some(escaped);
            }
            (b'-', Some(from), Some(to)) if to != b']' => {
                at = at.saturating_add(1);
                let mut to = to;
                if to == b'\\' {
                    at = at.saturating_add(1);
                    to = *pattern.get(at)?;
                }
                ranges.push((from, to));
                low = None;
            }
            (b'[', _, Some(b':')) => {
                let start = at.saturating_add(2);
                let rest = pattern.get(start..)?;
                let end = rest.iter().position(|byte| *byte == b']')?;
                if let Some((b':', name)) = rest.get(..end)?.split_last() {
                    ranges.extend_from_slice(posix_class(name)?);
                    at = start.saturating_add(end);
                    low = None;
                } else {
                    ranges.push((b'[', b'['));
                    low = Some(b'[');
                }
            }
            _ => {
                ranges.push((byte, byte));
                low = Some(byte);
            }
        }
        at = at.saturating_add(1);
        if *pattern.get(at)? == b']' {
            return Some((Token::Class(is_turned, ranges), at.saturating_add(1)));
        }
    }
}

fn posix_class(name: &[u8]) -> Option<&'static [(u8, u8)]> {
    Some(match name {
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        b"blank" => &[(b' ', b' '), (b'\t', b'\t')],
        b"cntrl" => &[(0, 31), (127, 127)],
        b"digit" => &[(b'0', b'9')],
        b"graph" => &[(33, 126)],
        b"lower" => &[(b'a', b'z')],
        b"print" => &[(32, 126)],
        b"punct" => &[(33, 47), (58, 64), (91, 96), (123, 126)],
        b"space" => &[(9, 13), (b' ', b' ')],
        b"upper" => &[(b'A', b'Z')],
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}
