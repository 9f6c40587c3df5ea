//! Slugs that nobody gets, since they stand in addresses of ours. Never take one out: it may be in use the next day.

/// What each is needed for: the end of "`admin` is reserved: …".
const RESERVED: [(&str, &str); 51] = [
    // First segments of the instance's own addresses.
    ("api", "the API is there"),
    ("r", "the addresses of repositories begin so"),
    ("hooks", "webhooks come in there"),
    ("healthz", "monitors ask there"),
    ("setup", "instances are set up there"),
    ("well-known", "standards look there for what they define"),
    // What Composer and those who upload ask of a repository: on a host of its own an organisation's repositories stand
    // beside these.
    ("p", "metadata for Composer 1 is there"),
    ("p2", "metadata is there"),
    ("dist", "archives are there"),
    ("dists", "it is kept for archives"),
    ("upload", "uploads go there"),
    ("uploads", "uploads in parts go there"),
    ("downloads", "installations are reported there"),
    ("providers", "Composer asks there who provides a package"),
    ("metadata", "mirrors ask there what changed"),
    ("search", "searches are there"),
    ("list", "the list of names is there"),
    ("security-advisories", "Composer asks there for advisories"),
    // Pages of the instance.
    ("ui", "the pages of this instance are there"),
    ("admin", "the pages of the owner of this instance are there"),
    (
        "instance",
        "the pages of the owner of this instance are there",
    ),
    ("login", "people log in there"),
    ("sign-in", "people sign in there"),
    ("sign-out", "people sign out there"),
    ("first-start", "the first owner begins there"),
    ("reset", "people choose another password there"),
    ("theme", "pages are made light or dark there"),
    ("logout", "people log out there"),
    ("signup", "people begin there"),
    ("register", "people begin there"),
    ("account", "the pages of a person are there"),
    ("customer", "the pages of a customer are there"),
    ("settings", "the pages of a person are there"),
    ("password", "people get back in there"),
    ("oauth", "logging in by others' accounts leads there"),
    ("saml", "logging in by others' accounts leads there"),
    ("sso", "logging in by others' accounts leads there"),
    ("auth", "logging in leads there"),
    ("invitation", "people who were asked in come there"),
    ("invitations", "people who were asked in come there"),
    ("orgs", "the list of organisations is there"),
    ("organisations", "the list of organisations is there"),
    ("new", "new things are made there"),
    ("assets", "styles and images of pages are there"),
    ("static", "styles and images of pages are there"),
    ("favicon", "the icon of pages is there"),
    ("robots", "crawlers ask there what they may read"),
    ("docs", "the documentation is there"),
    ("help", "the documentation is there"),
    ("status", "it is kept for how this instance does"),
    ("www", "it is a host and no name"),
];

/// Why nobody gets a slug; none for those that are free.
pub(super) fn reason(slug: &str) -> Option<&'static str> {
    RESERVED
        .iter()
        .find(|(reserved, _)| *reserved == slug)
        .map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::Slug;

    #[test]
    fn each_is_refused_with_its_reason_and_stands_here_once() {
        for (index, (slug, reason)) in RESERVED.iter().enumerate() {
            let refusal = Slug::parse(slug).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
            assert!(
                RESERVED
                    .iter()
                    .skip(index + 1)
                    .all(|(other, _)| other != slug)
            );
        }
    }

    #[test]
    fn what_only_looks_like_one_is_free() {
        for slug in ["apis", "api-2", "my-login", "r2", "p3", "packages"] {
            assert!(Slug::parse(slug).is_ok(), "{slug}");
        }
    }
}
