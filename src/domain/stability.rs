//! How finished a version is, in Composer's five steps.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scan::Modifier;

/// The stability of a version. The order is that of Composer's numbers: the more finished, the smaller.
///
/// `version.stability() <= minimum` therefore reads as "at least as stable as the minimum".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stability {
    /// A release, or a patch after one.
    #[serde(rename = "stable")]
    Stable,
    /// A release candidate, the only one spelled in capitals.
    #[serde(rename = "RC")]
    ReleaseCandidate,
    /// A beta.
    #[serde(rename = "beta")]
    Beta,
    /// An alpha.
    #[serde(rename = "alpha")]
    Alpha,
    /// A branch, or a version marked as still in development.
    #[serde(rename = "dev")]
    Dev,
}

/// A text that is none of Composer's five stabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no stability, write one of `stable`, `RC`, `beta`, `alpha`, `dev`")]
pub struct InvalidStability {
    /// What was given.
    pub text: String,
}

impl Stability {
    /// All five, the most stable first.
    pub const ALL: [Self; 5] = [
        Self::Stable,
        Self::ReleaseCandidate,
        Self::Beta,
        Self::Alpha,
        Self::Dev,
    ];

    /// Reads a stability as people write it in `minimum-stability`: the case does not matter (Composer's
    /// `normalizeStability`). Refuses any other text with [`InvalidStability`].
    pub fn parse(text: &str) -> Result<Self, InvalidStability> {
        Self::ALL
            .into_iter()
            .find(|stability| stability.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidStability {
                text: text.to_owned(),
            })
    }

    /// The spelling in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::ReleaseCandidate => "RC",
            Self::Beta => "beta",
            Self::Alpha => "alpha",
            Self::Dev => "dev",
        }
    }

    /// Composer's own number, from 0 for stable to 20 for dev (`BasePackage`).
    pub fn rank(self) -> u8 {
        match self {
            Self::Stable => 0,
            Self::ReleaseCandidate => 5,
            Self::Beta => 10,
            Self::Alpha => 15,
            Self::Dev => 20,
        }
    }
}

impl fmt::Display for Stability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The stability that a version text shows, by Composer's `parseStability`. Never fails: what shows none is stable.
///
/// Give it a normalized version. On a raw text it is as case-sensitive as Composer is: `Dev-main` counts as stable.
pub fn parse_stability(version: &str) -> Stability {
    let version = strip_reference(version);
    if version.starts_with("dev-") || version.ends_with("-dev") {
        return Stability::Dev;
    }
    let Some(modifier) = final_modifier(version) else {
        return Stability::Stable;
    };
    if modifier.is_dev {
        return Stability::Dev;
    }
    let word = modifier.word.unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "beta" | "b" => Stability::Beta,
        "alpha" | "a" => Stability::Alpha,
        "rc" => Stability::ReleaseCandidate,
        _ => Stability::Stable,
    }
}

/// Cuts from the first `#` that something follows, on the text's last line.
///
/// Only there, because the pattern's dot stops at a line feed and its end must be the end of the text; one final line
/// feed is left alone.
fn strip_reference(version: &str) -> &str {
    let body = super::scan::without_final_line_feed(version);
    let last_line = body.rfind('\n').map_or(body, |line_feed| {
        body.get(line_feed.saturating_add(1)..).unwrap_or_default()
    });
    let Some(found) = last_line.split_once('#') else {
        return version;
    };
    // Nothing after the sign means that there is no reference; a line feed there is no character either.
    if found.1.is_empty() {
        return version;
    }
    // What PHP leaves behind the cut is at most the final line feed, which no later step looks at but `ends_with`.
    super::scan::consumed(body, found.1)
        .strip_suffix('#')
        .unwrap_or(version)
}

/// The leftmost modifier that reaches the end of the text, with an optional `+build` after it.
fn final_modifier(version: &str) -> Option<Modifier<'_>> {
    // The dot of `+build` stops at a line feed, so a plus sign counts on the last line only.
    let last_line_feed = super::scan::without_final_line_feed(version).rfind('\n');
    version.char_indices().find_map(|(start, _)| {
        let (modifier, rest) = Modifier::scan(version.get(start..)?);
        let rest_start = version.len().saturating_sub(rest.len());
        let is_build =
            rest.starts_with('+') && last_line_feed.is_none_or(|line_feed| line_feed < rest_start);
        (is_build || super::scan::is_end(rest)).then_some(modifier)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_on_the_wire_is_composers() {
        for stability in Stability::ALL {
            let json = serde_json::to_string(&stability).unwrap();
            assert_eq!(json, format!("\"{stability}\""));
            assert_eq!(serde_json::from_str::<Stability>(&json).unwrap(), stability);
        }
        assert!(serde_json::from_str::<Stability>("\"rc\"").is_err());
    }

    #[test]
    fn people_may_write_any_case() {
        assert_eq!(Stability::parse("rc"), Ok(Stability::ReleaseCandidate));
        assert_eq!(Stability::parse("Stable"), Ok(Stability::Stable));
        assert_eq!(
            Stability::parse("gamma").unwrap_err().to_string(),
            "`gamma` is no stability, write one of `stable`, `RC`, `beta`, `alpha`, `dev`"
        );
    }

    #[test]
    fn the_order_is_that_of_the_numbers() {
        assert!(Stability::ALL.is_sorted());
        assert!(Stability::ALL.is_sorted_by_key(|stability| stability.rank()));
    }

    #[test]
    fn versions_show_their_stability() {
        for (version, stability) in [
            ("1.0.0.0", Stability::Stable),
            ("1.0.0.0-patch1", Stability::Stable),
            ("1.0.0.0-RC2", Stability::ReleaseCandidate),
            ("1.0.0.0-beta", Stability::Beta),
            ("1.0.0.0-alpha1.2", Stability::Alpha),
            ("1.0.0.0-beta-dev", Stability::Dev),
            ("dev-main", Stability::Dev),
            ("1.9999999.9999999.9999999-dev", Stability::Dev),
            ("1.0.0+beta", Stability::Stable),
            ("1.0.0-beta+build", Stability::Beta),
            ("1.0#beta", Stability::Stable),
            ("Dev-main", Stability::Stable),
        ] {
            assert_eq!(parse_stability(version), stability, "{version}");
        }
    }
}
