//! What asks, as far as daily sums tell it: the minor version of PHP and the major one of Composer.

use serde::{Deserialize, Serialize};

/// The highest minor version of a PHP that is believed. What a client calls itself becomes rows that are kept for ever, so
/// whoever makes versions up has some hundred to choose from and no more.
const MOST_MINOR: u8 = 19;

/// The program behind a request, by its User-Agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Client {
    /// `8.3`; empty where it is not told.
    #[serde(default)]
    pub php: String,
    /// `2`; 0 for what is not Composer, or a Composer built from a source that has no number.
    #[serde(default)]
    pub composer: u8,
}

impl Client {
    /// Reads what Composer says of itself (`Composer\Util\StreamContextFactory`):
    /// `Composer/2.7.1 (Linux; 6.1; PHP 8.3.4; cURL 8.5.0; Platform-PHP 8.1; CI)`. It is the PHP that runs which counts, not
    /// the one that a project says to have. What is not of this form tells nothing, and is no fault.
    pub fn parse(agent: &str) -> Self {
        let Some(rest) = agent.trim_start().strip_prefix("Composer/") else {
            return Self::default();
        };
        let (version, details) = rest.split_once(" (").unwrap_or((rest, ""));
        let php = details
            .split([';', ')'])
            .find_map(|detail| detail.trim().strip_prefix("PHP "));
        Self {
            php: php.and_then(minor_of).unwrap_or_default(),
            composer: major_of(version).unwrap_or_default(),
        }
    }
}

/// `2` of `2.7.1` or `2.9-dev+0123abc`.
fn major_of(version: &str) -> Option<u8> {
    let (major, _) = version.split_once('.')?;
    digits(major, 1)
}

/// `8.3` of `8.3.4`.
fn minor_of(version: &str) -> Option<String> {
    let mut numbers = version.split('.');
    let major = digits(numbers.next()?, 1)?;
    let minor = digits(numbers.next()?, 2).filter(|minor| *minor <= MOST_MINOR)?;
    // `PHP 8.3` alone is nobody's: PHP tells three numbers.
    numbers.next()?;
    Some(format!("{major}.{minor}"))
}

/// A number of so many digits at most, as one writes it.
fn digits(text: &str, most: usize) -> Option<u8> {
    let is_plain = (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn composer_is_read_as_it_writes_itself() {
        for (agent, php, composer) in [
            (
                "Composer/2.7.1 (Linux; 6.1; PHP 8.3.4; cURL 8.5.0)",
                "8.3",
                2,
            ),
            (
                "Composer/2.11.0 (Linux; 6.8.0-45-generic; PHP 8.2.36; cURL 7.88.1; Platform-PHP 8.1.0; CI; agent:x; cmd:require)",
                "8.2",
                2,
            ),
            (
                "Composer/1.10.27 (Windows NT; 10.0; PHP 7.4.33; streams)",
                "7.4",
                1,
            ),
            (
                "Composer/2.9-dev+7d0b5e5 (Darwin; 24.1.0; PHP 8.5.0; cURL 8.7.1; CI)",
                "8.5",
                2,
            ),
            (
                "Composer/2.8.999-dev (Linux; 6.1; PHP 5.6.40; streams)",
                "5.6",
                2,
            ),
            (
                "Composer/source (Linux; 6.1; PHP 8.4.1; cURL 8.5.0)",
                "8.4",
                0,
            ),
            ("Composer/1.6.3 (Linux; 4.4; HHVM 3.24.3; streams)", "", 1),
            ("Composer/2.7.1", "", 2),
            ("Composer/ (Linux; PHP 8.3.4)", "8.3", 0),
            // Others, and who makes things up.
            ("", "", 0),
            ("curl/8.5.0", "", 0),
            ("PHP 8.3.4", "", 0),
            ("composer/2.7.1 (Linux; 6.1; PHP 8.3.4; streams)", "", 0),
            ("Composer/22.1.0 (Linux; 6.1; PHP 88.3.4; streams)", "", 0),
            ("Composer/2.7.1 (Linux; 6.1; PHP 8.20.1; streams)", "", 2),
            ("Composer/02.7.1 (Linux; 6.1; PHP 8.03.1; streams)", "", 0),
            ("Composer/2.7.1 (Linux; 6.1; PHP 8.3; streams)", "", 2),
            ("Composer/2.7.1 (Linux; 6.1; Platform-PHP 8.3.1)", "", 2),
        ] {
            let read = Client::parse(agent);
            assert_eq!(
                (read.php.as_str(), read.composer),
                (php, composer),
                "{agent}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_it_says_there_are_few(agent in "(Composer/)?[0-9.]{0,6} ?\\(?(PHP [0-9.]{0,8}|.{0,8});?\\)?") {
            let read = Client::parse(&agent);
            prop_assert!(read.php.len() <= 4 && read.composer <= 9);
        }

        #[test]
        fn what_composer_writes_is_read(major in 1_u8..=9, minor in 0_u8..=19, release in 0_u8.., composer in 1_u8..=9, rest in "[a-z0-9.+-]{0,20}") {
            let read = Client::parse(&format!("Composer/{composer}.{rest} (Linux; 6.1; PHP {major}.{minor}.{release}; cURL 8.5.0)"));
            prop_assert_eq!(read, Client { php: format!("{major}.{minor}"), composer });
        }
    }
}
