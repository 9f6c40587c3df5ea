//! What an upload is of: its name and its version, from all places that may say so.

use crate::domain::entry::Source;
use crate::domain::manifest::Manifest;
use crate::domain::name::PackageName;
use crate::domain::version::{Version, normalize};

/// The longest address of a source.
const URL_LIMIT: usize = 2048;
/// The longest name of a commit or a revision.
const REFERENCE_LIMIT: usize = 255;
/// Composer's kinds of sources that can be at an address.
const KINDS: [&str; 4] = ["git", "hg", "svn", "fossil"];

/// What does not fit; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUpload(String);

fn refuse<T>(text: impl Into<String>) -> Result<T, InvalidUpload> {
    Err(InvalidUpload(text.into()))
}

/// What a request says of the upload that it is or begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The package, and who says so.
    pub names: Vec<(&'static str, String)>,
    /// The version, and who says so, the first to be asked first.
    pub versions: Vec<(&'static str, String)>,
    /// Where its source is.
    pub source: Option<Source>,
}

impl Asked {
    /// The package's name: all that say one must say the same.
    pub fn name(&self, manifest: &Manifest) -> Result<PackageName, InvalidUpload> {
        let declared = manifest.name().unwrap_or_default();
        let Some((first_place, first)) = self.names.first() else {
            return manifest.package_name().map_or_else(
                || refuse("composer.json in the archive has no valid `name`; it must be like `vendor/name`"),
                Ok,
            );
        };
        let name = parse_name(first_place, first)?;
        for (place, other) in &self.names {
            if parse_name(place, other)? != name {
                return refuse(format!(
                    "The {first_place} names the package `{first}`, but the {place} names it `{other}`"
                ));
            }
        }
        if manifest.package_name().as_ref() != Some(&name) {
            return refuse(format!(
                "composer.json in the archive is named `{declared}`, but the upload is for `{name}`"
            ));
        }
        Ok(name)
    }

    /// What is asked for without a look into the archive.
    pub fn version_asked(&self) -> Result<Option<Version>, InvalidUpload> {
        let Some((first_place, first)) = self.versions.first() else {
            return Ok(None);
        };
        let version = parse_version(first)?;
        for (place, other) in &self.versions {
            if parse_version(other)?.normalized() != version.normalized() {
                return refuse(format!(
                    "The {first_place} says version `{first}`, but the {place} says `{other}`"
                ));
            }
        }
        Ok(Some(version))
    }

    /// The version: the first place that says one counts, and no other may say another.
    pub fn version(&self, manifest: &Manifest) -> Result<Version, InvalidUpload> {
        let asked = self.version_asked()?;
        let declared = manifest
            .version()
            .map_err(|fault| InvalidUpload(fault.to_string()))?;
        let version = match (asked, declared) {
            (None, None) => {
                return refuse(
                    "Nobody says which version this is: put it into the address, into a field `version` of the form \
                     or behind `?version=`, or as `version` into composer.json",
                );
            }
            (None, Some(declared)) => parse_version(&declared)?,
            (Some(version), Some(declared))
                if normalize(&declared).ok().as_deref() != Some(version.normalized()) =>
            {
                return refuse(format!(
                    "composer.json in the archive says version `{declared}`, but the upload is for `{}`; \
                     best leave `version` out of composer.json",
                    version.pretty()
                ));
            }
            (Some(version), _) => version,
        };
        manifest
            .check_version(version.pretty())
            .map_err(|fault| InvalidUpload(fault.to_string()))?;
        Ok(version)
    }
}

fn parse_name(place: &str, text: &str) -> Result<PackageName, InvalidUpload> {
    PackageName::parse(text).or_else(|_| {
        refuse(format!(
            "The {place} names the package `{text}`, which must be like `vendor/name`"
        ))
    })
}

fn parse_version(text: &str) -> Result<Version, InvalidUpload> {
    Version::parse(text).map_err(|error| InvalidUpload(error.to_string()))
}

/// Reads what somebody says of a source. It goes to every client as it is, and from there to git and its kin.
pub fn read_source(kind: &str, url: &str, reference: &str) -> Result<Source, InvalidUpload> {
    if !KINDS.contains(&kind) {
        return refuse(format!(
            "The source is of type `{}`; it must be one of `git`, `hg`, `svn` and `fossil`",
            kind.get(..20).unwrap_or(kind)
        ));
    }
    check_address(
        "The source",
        url,
        &["https", "ssh", "git", "svn", "svn+ssh"],
    )?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\'';
    if reference.is_empty()
        || reference.len() > REFERENCE_LIMIT
        || reference.starts_with('-')
        || !reference.bytes().all(is_plain)
    {
        return refuse(format!(
            "The source needs a `reference` such as a commit, of at most {REFERENCE_LIMIT} characters without blanks"
        ));
    }
    Ok(Source {
        kind: kind.to_owned(),
        url: url.to_owned(),
        reference: reference.to_owned(),
    })
}

/// Checks an address that everybody reads who may read the package.
pub(crate) fn check_address(what: &str, url: &str, schemes: &[&str]) -> Result<(), InvalidUpload> {
    if url.len() > URL_LIMIT || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(format!(
            "{what} needs a `url` of at most {URL_LIMIT} characters, with blanks and what is beyond ASCII written as `%20` \
             and the like"
        ));
    }
    // As ssh writes it: `git@host:path`.
    let is_short = schemes.contains(&"ssh")
        && !url.contains("://")
        && url.split_once(':').is_some_and(|(host, path)| {
            let host = host.split_once('@').map_or(host, |(_, host)| host);
            // With two colons it would name a program.
            !path.is_empty()
                && !path.starts_with([':', '-'])
                && !url.starts_with('-')
                && is_host(host)
        });
    if is_short {
        return Ok(());
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = authority
        .rsplit_once('@')
        .map_or(("", authority), |(user, host)| (user, host));
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    if !schemes.contains(&scheme) || !is_host(host) {
        return refuse(format!(
            "{what} has the `url` `{url}`, which must begin with `https://` and name a host"
        ));
    }
    if !user.is_empty() && (user.contains(':') || !scheme.ends_with("ssh")) {
        return refuse(format!(
            "{what} has credentials in its `url`; everybody who may read the package would read them. Put them into the \
             `auth.json` of its users"
        ));
    }
    Ok(())
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with(['-', '.'])
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str], versions: &[&str]) -> Asked {
        let places = ["address", "form", "query"];
        let pairs = |texts: &[&str]| {
            let texts = places.into_iter().zip(texts);
            texts
                .map(|(place, text)| (place, (*text).to_owned()))
                .collect()
        };
        Asked {
            names: pairs(names),
            versions: pairs(versions),
            source: None,
        }
    }

    fn manifest(text: &str) -> Manifest {
        Manifest::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_first_place_counts_and_the_others_agree() {
        let silent = manifest(r#"{"name":"acme/lib"}"#);
        let said = manifest(r#"{"name":"acme/lib","version":"1.0"}"#);
        for (versions, manifest, expected) in [
            (&["v1.0.0", "1.0"][..], &silent, Ok("v1.0.0")),
            (&["dev-main"], &silent, Ok("dev-main")),
            (&["1.x-dev"], &silent, Ok("1.x-dev")),
            (&[], &said, Ok("1.0")),
            (&["1.0.0.0"], &said, Ok("1.0.0.0")),
            (
                &["1.0", "1.1"],
                &silent,
                Err("The address says version `1.0`, but the form says `1.1`"),
            ),
            (
                &["2.0"],
                &said,
                Err("says version `1.0`, but the upload is for `2.0`"),
            ),
            (&[], &silent, Err("Nobody says which version this is")),
            (&["no!"], &silent, Err("no!")),
        ] {
            let found = asked(&[], versions).version(manifest);
            match expected {
                Ok(pretty) => assert_eq!(found.unwrap().pretty(), pretty),
                Err(said) => assert!(found.unwrap_err().to_string().contains(said), "{said}"),
            }
        }
    }

    #[test]
    fn all_who_name_the_package_name_the_same() {
        let named = manifest(r#"{"name":"Acme/Lib"}"#);
        let unnamed = manifest(r#"{"description":"x"}"#);
        for names in [&[][..], &["acme/lib"], &["acme/lib", "ACME/lib"]] {
            assert_eq!(asked(names, &[]).name(&named).unwrap().as_str(), "acme/lib");
        }
        for (names, manifest) in [
            (&["acme/other"][..], &named),
            (&["acme/lib", "acme/other"], &named),
            (&["lib"], &named),
            (&["acme/lib"], &unnamed),
            (&[], &unnamed),
        ] {
            asked(names, &[]).name(manifest).unwrap_err();
        }
    }

    #[test]
    fn a_source_is_an_address_without_secrets() {
        for (kind, url) in [
            ("git", "https://git.example/acme/lib.git"),
            ("git", "git@git.example:acme/lib.git"),
            ("git", "ssh://git@git.example:22/acme/lib.git"),
            ("svn", "svn+ssh://git@git.example/acme"),
        ] {
            assert_eq!(read_source(kind, url, "abc").unwrap().url, url);
        }
        for (kind, url, reference) in [
            ("path", "https://git.example/x", "abc"),
            ("git", "http://git.example/x", "abc"),
            ("git", "file:///etc/passwd", "abc"),
            ("git", "--upload-pack=x", "abc"),
            ("git", "-x@host:path", "abc"),
            ("git", "ext::sh%20-c", "abc"),
            ("git", "ssh://-oProxyCommand=x/y", "abc"),
            ("git", "https://user:secret@git.example/x", "abc"),
            ("git", "https://secret@git.example/x", "abc"),
            ("git", "https://git.example/x y", "abc"),
            ("git", "https:///x", "abc"),
            ("git", "https://git.example/x", ""),
            ("git", "https://git.example/x", "-x"),
            ("git", "https://git.example/x", "a b"),
        ] {
            read_source(kind, url, reference).unwrap_err();
        }
    }
}
