//! Other places from which Composer may take archives and sources (`mirrors` of `packages.json`).

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidSetting;

/// The longest address of a mirror, in bytes.
const URL_LIMIT: usize = 400;
/// What Composer fills in, in the address of an archive (Composer `ComposerMirror::processUrl`).
const OF_AN_ARCHIVE: [&str; 5] = ["package", "version", "prettyVersion", "reference", "type"];
/// What Composer fills in, in the address of a source (`ComposerMirror::processGitUrl`).
const OF_A_SOURCE: [&str; 3] = ["package", "normalizedUrl", "type"];

/// A mirror, spelled as `packages.json` spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, JsonSchema)]
#[serde(deny_unknown_fields)]
#[deserr(deny_unknown_fields)]
pub struct Mirror {
    /// Where archives are.
    #[serde(rename = "dist-url", skip_serializing_if = "Option::is_none", default)]
    #[deserr(rename = "dist-url", default)]
    pub dist_url: Option<String>,
    /// Where git repositories are.
    #[serde(rename = "git-url", skip_serializing_if = "Option::is_none", default)]
    #[deserr(rename = "git-url", default)]
    pub git_url: Option<String>,
    /// Where Mercurial repositories are.
    #[serde(rename = "hg-url", skip_serializing_if = "Option::is_none", default)]
    #[deserr(rename = "hg-url", default)]
    pub hg_url: Option<String>,
    /// Whether it is tried before the place itself, and not after.
    #[serde(default)]
    #[deserr(default)]
    pub preferred: bool,
}

impl Mirror {
    /// One of archives, tried before the place itself.
    pub fn of_dists(url: String) -> Self {
        Self {
            dist_url: Some(url),
            git_url: None,
            hg_url: None,
            preferred: true,
        }
    }

    /// Whether Composer can use it.
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        if self.dist_url.is_none() && self.git_url.is_none() && self.hg_url.is_none() {
            return Err(InvalidSetting::new(
                "",
                "A mirror needs a `dist-url`, a `git-url` or a `hg-url`",
            ));
        }
        let dist = ["package", "reference"];
        check_url("dist-url", self.dist_url.as_deref(), &OF_AN_ARCHIVE, dist)?;
        let source = ["package", "normalizedUrl"];
        check_url("git-url", self.git_url.as_deref(), &OF_A_SOURCE, source)?;
        check_url("hg-url", self.hg_url.as_deref(), &OF_A_SOURCE, source)
    }
}

/// `one_of` are the placeholders of which it needs at least one: without, all packages would be at one address.
fn check_url(
    key: &str,
    url: Option<&str>,
    known: &[&str],
    one_of: [&str; 2],
) -> Result<(), InvalidSetting> {
    let Some(url) = url else {
        return Ok(());
    };
    let refuse = |what: &str| {
        Err(InvalidSetting::new(
            format!("/{key}"),
            format!("`{key}` of a mirror {what}"),
        ))
    };
    if url.len() > URL_LIMIT {
        return refuse(&format!("has more than {URL_LIMIT} bytes, shorten it"));
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("has blanks or characters beyond ASCII, write them as `%20` and the like");
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let may_be_ssh = key != "dist-url";
    match scheme {
        "https" => {}
        "http" if is_loopback(authority) => {}
        "ssh" if may_be_ssh => {}
        _ if may_be_ssh => return refuse("must begin with `https://` or `ssh://`"),
        _ => return refuse("must begin with `https://`"),
    }
    if authority.is_empty() || authority.contains('%') {
        return refuse("must name its host, without placeholders");
    }
    // Everybody who may read the repository reads this.
    if authority.contains('@') && scheme != "ssh" {
        return refuse("must not hold credentials, put them into the `auth.json` of its users");
    }
    let found = match placeholders(url) {
        Ok(found) => found,
        Err(stray) => {
            return refuse(&format!("has a `%` that ends nothing, at `{stray}`"));
        }
    };
    if let Some(unknown) = found.iter().find(|name| !known.contains(name)) {
        let known: Vec<_> = known.iter().map(|name| format!("`%{name}%`")).collect();
        let known = known.join(", ");
        return refuse(&format!(
            "has `%{unknown}%`, which Composer does not fill in; it fills in {known}"
        ));
    }
    if !found.iter().any(|name| one_of.contains(name)) {
        let [one, other] = one_of;
        return refuse(&format!(
            "must hold `%{one}%` or `%{other}%`, or all packages would be at one address"
        ));
    }
    Ok(())
}

fn is_loopback(authority: &str) -> bool {
    if authority.starts_with("[::1]") {
        return true;
    }
    let host = authority.split(':').next().unwrap_or_default();
    host == "localhost" || host == "127.0.0.1"
}

/// The names between percent signs. Escapes such as `%2F` are none; no placeholder begins with two hex digits.
fn placeholders(url: &str) -> Result<Vec<&str>, &str> {
    let mut found = Vec::new();
    let mut rest = url;
    while let Some((_, after)) = rest.split_once('%') {
        let is_escape = after
            .get(..2)
            .is_some_and(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_escape {
            rest = after.get(2..).unwrap_or_default();
            continue;
        }
        let (name, after) = after.split_once('%').ok_or(after)?;
        found.push(name);
        rest = after;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dist(url: &str) -> Result<(), InvalidSetting> {
        Mirror {
            dist_url: Some(url.to_owned()),
            git_url: None,
            hg_url: None,
            preferred: true,
        }
        .check()
    }

    fn git(url: &str) -> Result<(), InvalidSetting> {
        Mirror {
            dist_url: None,
            git_url: Some(url.to_owned()),
            hg_url: None,
            preferred: false,
        }
        .check()
    }

    #[test]
    fn what_composer_can_fill_in_is_taken() {
        dist("https://m.example/%package%/%version%/%reference%.%type%").unwrap();
        dist("https://m.example:8443/a%20b/%package%-%prettyVersion%.zip?x=1").unwrap();
        dist("http://localhost:8080/%package%.zip").unwrap();
        dist("http://[::1]:8080/%reference%.zip").unwrap();
        git("https://m.example/%normalizedUrl%.git").unwrap();
        git("ssh://git@m.example/%package%.git").unwrap();
    }

    #[test]
    fn what_it_cannot_use_is_refused_with_a_reason() {
        let cases = [
            (
                "http://m.example/%package%.zip",
                "must begin with `https://`",
            ),
            ("http://localhost.example/%package%.zip", "must begin with"),
            ("/mirror/%package%.zip", "must begin with"),
            ("ftp://m.example/%package%.zip", "must begin with"),
            ("--exec=x %package%", "blanks"),
            ("https:///%package%.zip", "must name its host"),
            ("https://%package%/x.zip", "must name its host"),
            ("https://u:p@m.example/%package%.zip", "credentials"),
            ("https://m.example/%name%.zip", "`%name%`"),
            ("https://m.example/%package%/100%", "ends nothing"),
            ("https://m.example/%version%.zip", "at one address"),
            ("https://m.example/ü/%package%.zip", "beyond ASCII"),
        ];
        for (url, reason) in cases {
            let refused = dist(url).unwrap_err().to_string();
            assert!(refused.contains(reason), "{url}: {refused}");
        }
        let long = format!("https://m.example/%package%{}", "a".repeat(URL_LIMIT));
        assert!(dist(&long).unwrap_err().to_string().contains("shorten it"));
        let source = git("https://m.example/%reference%.git").unwrap_err();
        assert!(source.to_string().contains("`%reference%`"));
        let none = Mirror {
            dist_url: None,
            git_url: None,
            hg_url: None,
            preferred: true,
        };
        none.check().unwrap_err();
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let text = r#"{"dist-url":"https://m.example/%package%.zip","preferred":true}"#;
        let mirror: Mirror = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&mirror).unwrap(), text);
    }
}
