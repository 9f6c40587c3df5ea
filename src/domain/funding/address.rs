//! PHP's `parse_url`, as far as the question goes whether a text is an address, a mere path, or malformed.

/// What `parse_url` finds in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It refuses the text.
    Malformed,
    /// It finds a scheme or a host.
    Address,
    /// It finds neither.
    Path,
}

impl Reading {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        let Some((scheme, rest)) = text.split_once(':') else {
            return text
                .strip_prefix("//")
                .map_or(Self::Path, |rest| host(rest, false));
        };
        if scheme.is_empty() {
            return port(text, rest);
        }
        let is_scheme = scheme
            .bytes()
            .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'+' | b'-' | b'.'));
        if !is_scheme {
            if !rest.is_empty() && !scheme.contains(['?', '#']) {
                return port(text, rest);
            }
            return text
                .strip_prefix("//")
                .map_or(Self::Path, |rest| host(rest, false));
        }
        let Some(path) = rest.strip_prefix('/') else {
            let after = rest.trim_start_matches(|sign: char| sign.is_ascii_digit());
            let digits = rest.len().saturating_sub(after.len());
            let is_port = digits < 6 && (after.is_empty() || after.starts_with('/'));
            if !rest.is_empty() && is_port {
                return port(text, rest);
            }
            return Self::Address;
        };
        match path.strip_prefix('/') {
            Some(path) if scheme.eq_ignore_ascii_case("file") && path.starts_with('/') => {
                Self::Address
            }
            Some(path) => host(path, false),
            None => Self::Address,
        }
    }
}

/// A colon that ends no scheme: what follows may be a port.
fn port(text: &str, after_colon: &str) -> Reading {
    let after = after_colon.trim_start_matches(|sign: char| sign.is_ascii_digit());
    let digits = after_colon.len().saturating_sub(after.len());
    let relative = text.strip_prefix("//");
    if (1..6).contains(&digits) && (after.is_empty() || after.starts_with('/')) {
        let number = after_colon.get(..digits).unwrap_or_default();
        let Ok(number) = number.parse::<u16>() else {
            return Reading::Malformed;
        };
        return host(relative.unwrap_or(text), number != 0);
    }
    if after_colon.is_empty() {
        return Reading::Malformed;
    }
    relative.map_or(Reading::Path, |rest| host(rest, false))
}

/// A host with perhaps a user before it and a port behind.
fn host(text: &str, has_port: bool) -> Reading {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let is_bracketed = text
        .get(text.len().min(authority.len().saturating_sub(host.len()))..)
        .is_some_and(|rest| rest.starts_with('['))
        && authority.ends_with(']');
    let split = if is_bracketed {
        None
    } else {
        host.rsplit_once(':')
    };
    let name = match split {
        None => host,
        Some((name, port)) => {
            if !has_port && !port.is_empty() && (port.len() > 5 || !is_port(port)) {
                return Reading::Malformed;
            }
            name
        }
    };
    if name.is_empty() {
        Reading::Malformed
    } else {
        Reading::Address
    }
}

/// As C's `strtol` reads a number: blanks and a sign in front, anything behind.
fn is_port(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let after = digits.trim_start_matches(|sign: char| sign.is_ascii_digit());
    let length = digits.len().saturating_sub(after.len());
    let number = digits
        .get(..length)
        .and_then(|number| number.parse::<u32>().ok());
    number.is_some_and(|number| number <= 65_535 && (!is_negative || number == 0))
}

#[cfg(test)]
mod tests {
    use super::Reading;

    #[test]
    fn texts_are_told_apart_as_by_php() {
        for (text, reading) in [
            ("https://a.b", Reading::Address),
            ("//a.b/c", Reading::Address),
            ("mailto:a@b.c", Reading::Address),
            ("a.b:80", Reading::Address),
            ("http:", Reading::Address),
            ("a.b", Reading::Path),
            ("", Reading::Path),
            ("/a:1b", Reading::Path),
            ("http:///a", Reading::Malformed),
            ("http://a:99999", Reading::Malformed),
            ("http://a:b", Reading::Malformed),
            ("//", Reading::Malformed),
            (":", Reading::Malformed),
        ] {
            assert_eq!(Reading::of(text), reading, "{text}");
        }
    }
}
