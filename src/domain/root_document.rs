//! `packages.json`: where the rest is, and which names there are.

use serde_json::{Map, Value, json};

use crate::domain::blob::BlobHash;
use crate::domain::composer_1::{DOCUMENT_PATH, INCLUDES_PATH, LAZY_PATH};
use crate::domain::settings::{Mirror, Settings, add_messages};

/// Moved by one whenever the form of `packages.json` changes with the same contents,
/// since its validator would otherwise tell clients that nothing has changed.
pub const ROOT_DOCUMENT_FORM: i64 = 8;

/// After 400 years the calendar begins again, and by so much the dates of different kinds of root are apart.
const SPAN: i64 = 146_097 * 24 * 60 * 60;
/// Within a span, the dates of callers with different limits are spread over so many seconds, some 300 years.
const SPREAD: u64 = 9_467_085_600;

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

/// What a client of Composer 1 is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Composer1Files {
    /// Listings of all names, by the file that names them; none while there is no package.
    Listed(Option<BlobHash>),
    /// Documents by name: to somebody who may not see all names.
    ByName,
}

/// What goes into `packages.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootDocument<'a> {
    /// The repository's address, absolute: clients resolve relative URLs against the host alone, not against the
    /// repository's path.
    pub address: &'a str,
    /// Its settings.
    pub settings: &'a Settings,
    /// Where the archives are on the host that was asked, if documents name another one.
    pub mirror: Option<Mirror>,
    /// The names; none for Composer 1, which does not look at them.
    pub names: Option<Names>,
    /// The files of Composer 1; none where they are not offered.
    pub composer_1: Option<Composer1Files>,
    /// What Composer 1 is told where nothing is offered to it.
    pub refusal: Option<&'static str>,
    /// Whether it is surely Composer 1 that will read it.
    pub is_composer_1: bool,
    /// What this caller is told, in whichever version of Composer: why there is nothing, or nothing new.
    pub notice: Option<&'a str>,
}

/// Builds `packages.json`.
pub fn build_root(document: RootDocument<'_>) -> Vec<u8> {
    let RootDocument {
        address, settings, ..
    } = document;
    let mut root = Map::new();
    let mut set = |key: &str, value: Value| {
        root.insert(key.to_owned(), value);
    };
    set("packages", json!([]));
    set(
        "metadata-url",
        format!("{address}/p2/%package%.json").into(),
    );
    if let Some(names) = document.names {
        let (key, names) = match names {
            Names::Listed(names) if !names.is_empty() => ("available-packages", names),
            Names::Patterns(patterns) if !patterns.is_empty() => {
                ("available-package-patterns", patterns)
            }
            Names::Listed(_) | Names::Patterns(_) => {
                ("available-package-patterns", vec![NOTHING.to_owned()])
            }
        };
        set(key, names.into());
        // Clients append `?filter=…` to it, so it can have no query of its own.
        set("list", format!("{address}/list.json").into());
        set(
            "providers-api",
            format!("{address}/providers/%package%.json").into(),
        );
        set(
            "metadata-changes-url",
            format!("{address}/metadata/changes.json").into(),
        );
    }
    set(
        "search",
        format!("{address}/search.json?q=%query%&type=%type%").into(),
    );
    set("notify-batch", format!("{address}/downloads").into());
    if let Some(files) = document.composer_1 {
        // For the few first clients that know no `notify-batch`; the others do not look at it.
        set("notify", format!("{address}/downloads/%package%").into());
        match files {
            Composer1Files::ByName => {
                set(
                    "providers-lazy-url",
                    format!("{address}/{LAZY_PATH}").into(),
                );
            }
            Composer1Files::Listed(includes) => {
                set("providers-url", format!("{address}/{DOCUMENT_PATH}").into());
                // Relative by definition: below the address that the client was given.
                let includes: Map<_, _> = includes
                    .into_iter()
                    .map(|hash| (INCLUDES_PATH.to_owned(), json!({"sha256": hash.as_str()})))
                    .collect();
                set("provider-includes", includes.into());
            }
        }
    }
    set(
        "security-advisories",
        json!({"metadata": true, "api-url": format!("{address}/security-advisories")}),
    );
    // The last preferred one is tried first, so those of the owner are tried before ours.
    let mirrors: Vec<_> = document.mirror.iter().chain(&settings.mirrors).collect();
    if !mirrors.is_empty() {
        set("mirrors", json!(mirrors));
    }
    add_messages(&mut root, &settings.messages);
    if let Some(notice) = document.notice {
        // The older form alone, and for every version: in both forms newer clients would print it twice.
        root.insert("warning".to_owned(), notice.into());
        root.shift_remove("warning-versions");
        return serde_json::to_vec(&root).unwrap_or_default();
    }
    // There is room for one text: the repository's own, unless it is surely Composer 1 that would read it.
    let has_room = document.is_composer_1 || !root.contains_key("warning");
    if let Some(text) = document.refusal.filter(|_| has_room) {
        root.insert("warning".to_owned(), text.into());
        root.insert("warning-versions".to_owned(), "<1.999".into());
    }
    serde_json::to_vec(&root).unwrap_or_default()
}

/// How many seconds the date of this kind of root is before the date of its contents. Composer 1 and 2 and all tokens of a
/// person share one cache, which sends back whatever date it was given: what one kind of caller was told must never be
/// taken for what another one would be told.
///
/// `view` is what tells apart callers who see different things; none for whoever sees everything.
pub fn age_of_view(reads_composer_1: bool, view: Option<u64>) -> i64 {
    let kind = if reads_composer_1 {
        SPAN.saturating_mul(2)
    } else {
        0
    };
    kind.saturating_add(age_of_limits(view))
}

/// How many seconds the date of what a limited caller sees is before the date of what everybody else does.
pub fn age_of_limits(view: Option<u64>) -> i64 {
    let Some(view) = view else {
        return 0;
    };
    let spread = i64::try_from(view.checked_rem(SPREAD).unwrap_or_default()).unwrap_or_default();
    SPAN.saturating_add(spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::{Level, Message, Mirror};

    fn build(address: &str, names: Option<Names>, composer_1: Option<Composer1Files>) -> Value {
        let document = RootDocument {
            address,
            settings: &Settings::default(),
            mirror: None,
            names,
            composer_1,
            refusal: None,
            is_composer_1: false,
            notice: None,
        };
        serde_json::from_slice(&build_root(document)).unwrap()
    }

    #[test]
    fn a_root_never_has_an_empty_list_of_names() {
        for names in [Names::Listed(Vec::new()), Names::Patterns(Vec::new())] {
            let root = build("https://a.b", Some(names), None);
            assert!(root.get("available-packages").is_none());
            assert_eq!(root["available-package-patterns"], json!(["-/-"]));
            assert_eq!(root["metadata-url"], "https://a.b/p2/%package%.json");
        }
    }

    #[test]
    fn composer_1_finds_listings_or_documents_by_name() {
        let hash = BlobHash::of(b"includes");
        let listed = Composer1Files::Listed(Some(hash.clone()));
        let root = build("https://a.b", None, Some(listed));
        assert_eq!(root["providers-url"], "https://a.b/p/%package%$%hash%.json");
        assert_eq!(
            root["provider-includes"],
            json!({"p/includes$%hash%.json": {"sha256": hash.as_str()}})
        );
        assert_eq!(root["notify"], "https://a.b/downloads/%package%");
        assert!(root.get("available-packages").is_none());
        let root = build("https://a.b", None, Some(Composer1Files::ByName));
        assert_eq!(root["providers-lazy-url"], "https://a.b/p/%package%.json");
        assert!(root.get("provider-includes").is_none());
        let empty = Composer1Files::Listed(None);
        assert_eq!(
            build("https://a.b", None, Some(empty))["provider-includes"],
            json!({})
        );
    }

    #[test]
    fn mirrors_and_messages_are_told() {
        let mirror = json!({"dist-url": "https://m.example/%package%.zip", "preferred": true});
        let settings = Settings {
            mirrors: vec![serde_json::from_value::<Mirror>(mirror.clone()).unwrap()],
            messages: vec![Message {
                level: Level::Warning,
                text: "Closed on Sunday".to_owned(),
                versions: "*".to_owned(),
            }],
            ..Settings::default()
        };
        let mut document = RootDocument {
            address: "https://a.b",
            settings: &settings,
            mirror: None,
            names: None,
            composer_1: None,
            refusal: None,
            is_composer_1: false,
            notice: None,
        };
        let root: Value = serde_json::from_slice(&build_root(document.clone())).unwrap();
        assert_eq!(root["mirrors"], json!([mirror]));
        assert_eq!(root["warning"], "Closed on Sunday");
        assert_eq!(root["warnings"][0]["message"], "Closed on Sunday");
        document.mirror = Some(Mirror::of_dists("https://b.c/%reference%.zip".to_owned()));
        let root: Value = serde_json::from_slice(&build_root(document.clone())).unwrap();
        let own = json!({"dist-url": "https://b.c/%reference%.zip", "preferred": true});
        assert_eq!(root["mirrors"], json!([own, mirror]));
        document.refusal = Some("Not for you");
        let root: Value = serde_json::from_slice(&build_root(document.clone())).unwrap();
        assert_eq!(root["warning"], "Closed on Sunday");
        document.is_composer_1 = true;
        let root: Value = serde_json::from_slice(&build_root(document)).unwrap();
        assert_eq!(root["warning"], "Not for you");
        assert_eq!(root["warning-versions"], "<1.999");
        assert_eq!(root["warnings"][0]["message"], "Closed on Sunday");
    }

    #[test]
    fn different_kinds_of_root_have_no_date_in_common() {
        let mut ages = Vec::new();
        for reads_composer_1 in [false, true] {
            for view in [None, Some(7), Some(1_u64 << 40), Some(u64::MAX)] {
                ages.push(age_of_view(reads_composer_1, view));
            }
        }
        assert_eq!(ages[0], 0);
        ages.sort_unstable();
        for pair in ages.windows(2) {
            // Of the same kind, they are at least no neighbours; of different kinds, a century apart.
            assert!(pair[1] - pair[0] > 1_000_000, "{ages:?}");
        }
        let century = 100 * 365 * 24 * 60 * 60;
        for number in 0..1_000_u64 {
            let age = age_of_view(false, Some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            assert!((SPAN..2 * SPAN - century).contains(&age));
        }
    }

    #[test]
    fn a_notice_is_read_by_every_client_and_once() {
        let settings = Settings::default();
        let document = RootDocument {
            address: "https://a.b",
            settings: &settings,
            mirror: None,
            names: None,
            composer_1: None,
            refusal: Some("Not for you"),
            is_composer_1: false,
            notice: Some("Suspended"),
        };
        let root: Value = serde_json::from_slice(&build_root(document)).unwrap();
        assert_eq!(root["warning"], "Suspended");
        assert!(root.get("warning-versions").is_none());
    }
}
