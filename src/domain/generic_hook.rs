//! What the body of the generic webhook names: git repositories by address, packages by name, projects by the host's id.
//! A mapping of JSON pointers (RFC 6901) reads them out of any other JSON.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most things that one body may name; what comes after is left out.
const NAMED: usize = 100;

/// The longest pointer, in bytes.
const POINTER_LIMIT: usize = 255;

/// Where any other JSON has what we look for; each may lead to a text, a number, or a list of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Deserr, JsonSchema)]
#[serde(deny_unknown_fields)]
#[deserr(deny_unknown_fields)]
pub struct HookMapping {
    /// To the address of a git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub repository_url: Option<String>,
    /// To the name of a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub package_name: Option<String>,
    /// To the host's id of a project.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub project_id: Option<String>,
}

/// Why a mapping is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMapping {
    /// No pointer at all.
    #[error(
        "`hook_mapping` must have at least one of `repository_url`, `package_name` and `project_id`"
    )]
    Empty,
    /// Not RFC 6901.
    #[error(
        "`hook_mapping.{0}` is no JSON pointer (RFC 6901): it begins with `/`, as `/push/repository/url`, \
         writes `~` as `~0` and `/` in a name as `~1`, and has at most 255 bytes"
    )]
    Pointer(&'static str),
}

impl HookMapping {
    /// Checks the pointers.
    pub fn check(&self) -> Result<(), InvalidMapping> {
        let all = self.pointers();
        if all.iter().all(|(_, pointer)| pointer.is_none()) {
            return Err(InvalidMapping::Empty);
        }
        for (name, pointer) in all {
            if pointer.is_some_and(|pointer| !is_pointer(pointer)) {
                return Err(InvalidMapping::Pointer(name));
            }
        }
        Ok(())
    }

    fn pointers(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("repository_url", self.repository_url.as_deref()),
            ("package_name", self.package_name.as_deref()),
            ("project_id", self.project_id.as_deref()),
        ]
    }
}

/// RFC 6901: reference tokens, each behind a slash, with `~` only as `~0` or `~1`. The pointer to the whole leads to no name.
fn is_pointer(text: &str) -> bool {
    text.len() <= POINTER_LIMIT
        && text.starts_with('/')
        && text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

/// What a body names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Addresses of git repositories, as they stand there.
    pub urls: Vec<String>,
    /// Names of packages.
    pub packages: Vec<String>,
    /// The host's ids of projects.
    pub projects: Vec<String>,
}

impl Named {
    /// Reads a body, by the mapping where it leads to something and by the standard form else.
    pub fn read(body: &Value, mapping: Option<&HookMapping>) -> Self {
        let mapped = mapping.map(|mapping| {
            let [urls, packages, projects] = mapping.pointers().map(|(_, pointer)| {
                pointer.map_or_else(Vec::new, |pointer| texts(body, &[pointer]))
            });
            Self {
                urls,
                packages,
                projects,
            }
        });
        if let Some(mapped) = mapped.filter(|mapped| !mapped.is_empty()) {
            return mapped;
        }
        Self {
            urls: texts(body, &["/repository/url"]),
            packages: texts(body, &["/composer/package_name"]),
            projects: texts(body, &["/project/id", "/project_id"]),
        }
    }

    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.urls.is_empty() && self.packages.is_empty() && self.projects.is_empty()
    }

    /// All of it in words.
    pub fn in_words(&self) -> String {
        let all: Vec<_> = [&self.urls, &self.packages, &self.projects]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        all.join(", ")
    }
}

/// The texts and numbers at some pointers, those of lists one by one.
fn texts(body: &Value, pointers: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for value in pointers.iter().filter_map(|pointer| body.pointer(pointer)) {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            let text = match item {
                Value::String(text) if !text.trim().is_empty() && text.len() <= 2_048 => {
                    text.trim().to_owned()
                }
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            if found.len() < NAMED && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

/// The address of a git repository, as far as two spellings of one have it in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitUrl {
    /// In lower case.
    host: String,
    /// In lower case, without slashes around it and without `.git`.
    path: String,
    /// Whether it is one for SSH, whose path says nothing of where the host's pages begin.
    is_ssh: bool,
}

impl GitUrl {
    /// Reads `https://host/path.git`, `ssh://git@host:22/path` or `git@host:path`.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_ssh, host, path) = if let Some((scheme, rest)) = text.split_once("://") {
            let (authority, path) = rest.split_once('/')?;
            let (host, _) = split_port(without_user(authority));
            let is_ssh = match scheme.to_ascii_lowercase().as_str() {
                "ssh" | "git+ssh" => true,
                "https" | "http" | "git" => false,
                _ => return None,
            };
            (is_ssh, host, path)
        } else {
            let (authority, path) = text.split_once(':')?;
            (true, without_user(authority), path)
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_matches('/').to_ascii_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path).to_owned();
        let is_fit = !host.is_empty() && !host.contains('/') && !path.is_empty();
        is_fit.then(|| Self {
            host: host.to_ascii_lowercase(),
            path,
            is_ssh,
        })
    }

    /// Its path, in lower case and without `.git`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is the project of this name, which has these other addresses.
    pub fn is_of(&self, full_name: &str, others: &[&str]) -> bool {
        others
            .iter()
            .filter_map(|other| Self::parse(other))
            .any(|other| {
                let is_same_path = if self.is_ssh {
                    self.path.eq_ignore_ascii_case(full_name) || self.path == other.path
                } else {
                    self.path == other.path
                };
                is_same_path && self.is_on(&other.host)
            })
    }

    /// Hosts answer SSH under names of their own where a firewall lets nothing else through (`ssh.github.com`,
    /// `altssh.gitlab.com`).
    fn is_on(&self, host: &str) -> bool {
        let bare = ["ssh.", "altssh."]
            .into_iter()
            .find_map(|prefix| self.host.strip_prefix(prefix));
        self.host == host || (self.is_ssh && bare == Some(host))
    }
}

fn without_user(authority: &str) -> &str {
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn named(urls: &[&str], packages: &[&str], projects: &[&str]) -> Named {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Named {
            urls: owned(urls),
            packages: owned(packages),
            projects: owned(projects),
        }
    }

    #[test]
    fn the_standard_form_names_repositories_packages_and_projects() {
        for (body, expected) in [
            (
                json!({"repository": {"url": "https://a/b"}}),
                named(&["https://a/b"], &[], &[]),
            ),
            (
                json!({"composer": {"package_name": "acme/lib"}}),
                named(&[], &["acme/lib"], &[]),
            ),
            (
                json!({"composer": {"package_name": ["acme/lib", "acme/tool", "acme/lib", 7]}}),
                named(&[], &["acme/lib", "acme/tool", "7"], &[]),
            ),
            (json!({"project": {"id": 41}}), named(&[], &[], &["41"])),
            (json!({"project_id": "41"}), named(&[], &[], &["41"])),
            (
                json!({"repository": "x", "project": []}),
                named(&[], &[], &[]),
            ),
            (json!([]), named(&[], &[], &[])),
        ] {
            assert_eq!(Named::read(&body, None), expected, "{body}");
        }
    }

    #[test]
    fn a_mapping_leads_into_any_json_and_the_standard_form_still_counts() {
        let mapping = HookMapping {
            repository_url: Some("/push/repo~1x/http_url".into()),
            package_name: Some("/names".into()),
            project_id: None,
        };
        mapping.check().unwrap();
        let read = |body| Named::read(&body, Some(&mapping));
        assert_eq!(
            read(json!({"push": {"repo/x": {"http_url": "https://a/b"}}, "names": ["a/b", "c/d"]})),
            named(&["https://a/b"], &["a/b", "c/d"], &[])
        );
        assert_eq!(read(json!({"project_id": 7})), named(&[], &[], &["7"]));
    }

    #[test]
    fn pointers_are_checked() {
        assert_eq!(HookMapping::default().check(), Err(InvalidMapping::Empty));
        for (pointer, is_good) in [
            ("/a", true),
            ("/a/0/b~0c~1d", true),
            ("/", true),
            ("", false),
            ("a", false),
            ("/a~", false),
            ("/a~2", false),
            ("#/a", false),
            (&*format!("/{}", "a".repeat(255)), false),
        ] {
            let mapping = HookMapping {
                project_id: Some(pointer.to_owned()),
                ..HookMapping::default()
            };
            assert_eq!(mapping.check().is_ok(), is_good, "{pointer}");
        }
    }

    #[test]
    fn an_address_is_known_in_each_spelling() {
        let others = [
            "https://git.example.com/gitlab/acme/sub/lib.git",
            "https://git.example.com/gitlab/acme/sub/lib",
        ];
        for (url, is_it) in [
            ("https://git.example.com/gitlab/acme/sub/lib.git", true),
            ("http://GIT.example.com:8080/gitlab/Acme/sub/lib/", true),
            (
                "https://bot:secret@git.example.com/gitlab/acme/sub/lib",
                true,
            ),
            ("git@git.example.com:acme/sub/lib.git", true),
            ("git@altssh.git.example.com:acme/sub/lib.git", true),
            ("ssh://git@git.example.com:2222/acme/sub/lib.git", true),
            ("https://git.example.com/acme/sub/lib.git", false),
            ("https://altssh.git.example.com/gitlab/acme/sub/lib", false),
            ("git@other.example.com:acme/sub/lib.git", false),
            ("git@git.example.com:sub/lib.git", false),
            ("file:///gitlab/acme/sub/lib", false),
            ("acme/sub/lib", false),
        ] {
            let parsed = GitUrl::parse(url);
            let found = parsed.is_some_and(|url| url.is_of("acme/sub/lib", &others));
            assert_eq!(found, is_it, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z@:/.~?#]{0,40}|\\PC{0,40}") {
            if let Some(url) = GitUrl::parse(&text) {
                prop_assert!(!url.path().is_empty());
            }
            let mapping = HookMapping { project_id: Some(text.clone()), ..HookMapping::default() };
            let _ = mapping.check();
            let _ = Named::read(&json!({"repository": {"url": text}}), Some(&mapping));
        }
    }
}
