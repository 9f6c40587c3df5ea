//! `packages.json`: where the rest is, and which names there are.

use serde_json::json;

/// Moved by one whenever the form of `packages.json` changes with the same contents,
/// since its validator would otherwise tell clients that nothing has changed.
pub const ROOT_DOCUMENT_FORM: i64 = 6;

/// A pattern that no package name can match: a vendor begins with a letter or a digit. An empty list of
/// names would be read as "not given", and every name would be asked for.
const NOTHING: &str = "-/-";

/// What a caller may know of a repository's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// All of them.
    Listed(Vec<String>),
    /// Patterns that cover them.
    Patterns(Vec<String>),
}

/// Builds `packages.json` for a repository at `address` (absolute: clients resolve relative URLs against the
/// host alone, not against the repository's path).
pub fn build_root(address: &str, names: Names) -> Vec<u8> {
    let (key, names) = match names {
        Names::Listed(names) if !names.is_empty() => ("available-packages", names),
        Names::Patterns(patterns) if !patterns.is_empty() => {
            ("available-package-patterns", patterns)
        }
        Names::Listed(_) | Names::Patterns(_) => {
            ("available-package-patterns", vec![NOTHING.to_owned()])
        }
    };
    let root = json!({
        "packages": [],
        "metadata-url": format!("{address}/p2/%package%.json"),
        (key): names,
        // Clients append `?filter=…` to it, so it can have no query of its own.
        "list": format!("{address}/list.json"),
        "search": format!("{address}/search.json?q=%query%&type=%type%"),
        "providers-api": format!("{address}/providers/%package%.json"),
        "metadata-changes-url": format!("{address}/metadata/changes.json"),
        "notify-batch": format!("{address}/downloads"),
        "security-advisories": {
            "metadata": true,
            "api-url": format!("{address}/security-advisories"),
        },
        "warning": "This repository speaks the protocol of Composer 2; please update Composer",
        "warning-versions": "<1.999",
    });
    serde_json::to_vec(&root).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_root_never_has_an_empty_list_of_names() {
        let root: Value =
            serde_json::from_slice(&build_root("https://a.b", Names::Listed(Vec::new()))).unwrap();
        assert!(root.get("available-packages").is_none());
        assert_eq!(root["available-package-patterns"], json!(["-/-"]));
        assert_eq!(root["metadata-url"], "https://a.b/p2/%package%.json");
    }
}
