//! The decision against another one that is slow and obvious, and the traps by hand.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::domain::constraint::Constraint;
use crate::domain::stability::{Stability, parse_stability};

const NOW: i64 = 1_000;
const PACKAGES: [&str; 6] = [
    "acme/lib",
    "acme/tool",
    "acme/secret",
    "other/lib",
    "other/tool",
    "third/thing",
];
const GLOBS: [&str; 8] = [
    "*",
    "acme/*",
    "acme/lib",
    "*/lib",
    "other/t*",
    "third/thing",
    "none/*",
    "acme/s*t",
];
const REPOSITORIES: [&str; 3] = ["main", "beta", "shop"];
const CONSTRAINTS: [&str; 8] = [
    "*",
    "^1.0",
    "^2.0",
    ">=1.5 <2.1",
    "1.0.0 || dev-main",
    "<1.0",
    ">=3",
    "2.x-dev",
];
const VERSIONS: [(&str, Option<&str>); 8] = [
    ("0.9.0.0", None),
    ("1.0.0.0", None),
    ("1.5.0.0-beta1", None),
    ("2.0.0.0-RC1", None),
    ("2.0.5.0", None),
    ("dev-main", Some("2.9999999.9999999.9999999-dev")),
    ("dev-main", Some("9999999-dev")),
    ("dev-fix", None),
];

fn glob(text: &str) -> NameGlob {
    NameGlob::parse(text).unwrap()
}

fn package(name: &str) -> PackageName {
    PackageName::parse(name).unwrap()
}

fn constraint(text: &str) -> Constraint {
    Constraint::parse(text).unwrap()
}

fn globs() -> impl Strategy<Value = Vec<NameGlob>> {
    subsequence(GLOBS.to_vec(), 0..4).prop_map(|list| list.into_iter().map(glob).collect())
}

fn slugs() -> impl Strategy<Value = Vec<String>> {
    subsequence(REPOSITORIES.to_vec(), 0..3)
        .prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn constraints() -> impl Strategy<Value = Option<Constraint>> {
    prop::option::of(select(CONSTRAINTS.to_vec()).prop_map(constraint))
}

fn moment() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(select(vec![100, 500, 900, 999, 1_000, 1_001, 1_500]))
}

fn stability() -> impl Strategy<Value = Option<Stability>> {
    prop::option::of(select(Stability::ALL.to_vec()))
}

prop_compose! {
    fn items()(
        packages in globs(), versions in constraints(), released_until in moment(),
        released_after in moment(), minimum_stability in stability(), source in any::<bool>(),
    ) -> CollectionItem {
        CollectionItem { packages, versions, released_until, released_after, minimum_stability, source }
    }
}

prop_compose! {
    fn grants()(
        organisation_id in 1_i64..3,
        contents in prop_oneof![
            globs().prop_map(|packages| (Some(packages), None)),
            prop::collection::vec(items(), 0..3).prop_map(|items| (None, Some(items))),
        ],
        repositories in prop::option::of(slugs()),
        versions in constraints(), released_until in moment(), released_after in moment(),
        minimum_stability in stability(), source in any::<bool>(), expires_at in moment(), keeps in any::<bool>(),
    ) -> GrantRecord {
        GrantRecord {
            id: "g".to_owned(), organisation_id, packages: contents.0, items: contents.1, repositories, versions,
            released_until, released_after, minimum_stability, source, expires_at, keeps,
        }
    }
}

/// A principal before anything is made of it.
#[derive(Debug, Clone)]
struct Holder {
    organisation: Option<i64>,
    abilities: Abilities,
    repositories: Option<Vec<String>>,
    packages: Option<Vec<NameGlob>>,
    sees_all: bool,
    grants: Vec<GrantRecord>,
    ended_at: Option<i64>,
    is_barred: bool,
}

prop_compose! {
    fn holders()(
        organisation in prop::option::weighted(0.95, 1_i64..3),
        abilities in subsequence(Ability::ALL.to_vec(), 0..Ability::ALL.len()),
        reads in prop::bool::weighted(0.8),
        repositories in prop::option::weighted(0.3, slugs()),
        packages in prop::option::weighted(0.3, globs()),
        sees_all in prop::bool::weighted(0.3),
        grants in prop::collection::vec(grants(), 0..4),
        ended_at in prop::option::weighted(0.2, Just(900)),
        is_barred in prop::bool::weighted(0.05),
    ) -> Holder {
        let mut abilities = abilities;
        if reads {
            abilities.extend([Ability::ReadMetadata, Ability::ReadDists]);
        }
        Holder {
            organisation, abilities: Abilities::of(&abilities), repositories, packages, sees_all, grants, ended_at, is_barred,
        }
    }
}

prop_compose! {
    fn questions()(
        action in select(vec![Action::ReadMetadata, Action::ReadDist, Action::Upload]),
        organisation in 1_i64..3,
        repository in select(REPOSITORIES.to_vec()),
        is_public in prop::bool::weighted(0.1),
        package in select(PACKAGES.to_vec()),
        version in select(VERSIONS.to_vec()),
        published_at in select(vec![50_i64, 100, 101, 499, 500, 899, 900, 901, 999, 1_000]),
    ) -> (Action, Place<'static>, PackageName, VersionFacts) {
        let facts = VersionFacts {
            normalized: version.0.to_owned(), alias: version.1.map(str::to_owned), published_at,
        };
        (action, Place { organisation, repository, is_public }, PackageName::parse(package).unwrap(), facts)
    }
}

fn principal(holder: &Holder) -> Principal {
    Principal {
        token: "t".to_owned(),
        caller: Caller::Machine,
        organisation: holder.organisation,
        abilities: holder.abilities,
        repositories: holder.repositories.clone(),
        packages: holder.packages.clone(),
        networks: None,
        sees_all: holder.sees_all,
        rules: resolve_grants(&holder.grants, NOW, holder.ended_at),
        frozen_at: None,
        bar: holder.is_barred.then_some(Bar::CustomerExpired),
        contact: None,
        grant_changed_at: 0,
        expires_at: None,
    }
}

/// The rules once more, sentence by sentence, from the grants themselves. Whether it may, and whether it sees the source.
fn obvious(
    holder: &Holder,
    action: Action,
    place: Place<'_>,
    package: &PackageName,
    version: &VersionFacts,
) -> (bool, bool) {
    let all = (true, true);
    let nothing = (false, false);
    if place.is_public && action != Action::Upload {
        return all;
    }
    if holder.is_barred {
        return nothing;
    }
    let needed = match action {
        Action::ReadMetadata => Ability::ReadMetadata,
        Action::ReadDist => Ability::ReadDists,
        Action::Upload => Ability::Upload,
    };
    if !holder.abilities.has(needed) {
        return nothing;
    }
    if let Some(slugs) = &holder.repositories
        && (holder.organisation != Some(place.organisation)
            || !slugs.contains(&place.repository.to_owned()))
    {
        return nothing;
    }
    if let Some(globs) = &holder.packages
        && !globs.iter().any(|glob| glob.matches(package))
    {
        return nothing;
    }
    let Some(own) = holder.organisation else {
        return all;
    };
    if own == place.organisation && holder.sees_all {
        return all;
    }
    if action == Action::Upload && own != place.organisation {
        return nothing;
    }
    let mut seen = nothing;
    for grant in &holder.grants {
        if grant.organisation_id != place.organisation {
            continue;
        }
        if let Some(slugs) = &grant.repositories
            && !slugs.contains(&place.repository.to_owned())
        {
            continue;
        }
        let has_expired = grant.expires_at.is_some_and(|end| NOW >= end);
        if (has_expired || holder.ended_at.is_some()) && !grant.keeps {
            continue;
        }
        let mut choices: Vec<(&[NameGlob], Option<&CollectionItem>)> = Vec::new();
        if let Some(packages) = &grant.packages {
            choices.push((packages, None));
        }
        for item in grant.items.iter().flatten() {
            choices.push((&item.packages, Some(item)));
        }
        for (packages, item) in choices {
            if !packages.iter().any(|glob| glob.matches(package)) {
                continue;
            }
            // Whoever sees any version of a package may upload all of them.
            if action == Action::Upload {
                return all;
            }
            let fits = obviously_fits(grant, item, has_expired, version);
            if fits {
                seen.0 = true;
                seen.1 |= grant.source && item.is_none_or(|item| item.source);
            }
        }
    }
    seen
}

/// Whether a grant, or an item of its collection, lets a version through.
fn obviously_fits(
    grant: &GrantRecord,
    item: Option<&CollectionItem>,
    has_expired: bool,
    version: &VersionFacts,
) -> bool {
    let mut fits = true;
    for wanted in [
        grant.versions.as_ref(),
        item.and_then(|item| item.versions.as_ref()),
    ]
    .into_iter()
    .flatten()
    {
        let alias = version.alias.as_deref().unwrap_or(&version.normalized);
        fits &= wanted.matches(&version.normalized) || wanted.matches(alias);
    }
    for until in [
        grant.released_until,
        item.and_then(|item| item.released_until),
        has_expired.then_some(grant.expires_at).flatten(),
    ]
    .into_iter()
    .flatten()
    {
        fits &= version.published_at <= until;
    }
    for after in [
        grant.released_after,
        item.and_then(|item| item.released_after),
    ]
    .into_iter()
    .flatten()
    {
        fits &= version.published_at >= after;
    }
    for minimum in [
        grant.minimum_stability,
        item.and_then(|item| item.minimum_stability),
    ]
    .into_iter()
    .flatten()
    {
        fits &= parse_stability(&version.normalized).rank() <= minimum.rank();
    }
    fits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_decision_is_the_obvious_one(holder in holders(), question in questions()) {
        let (action, place, package, version) = question;
        let principal = principal(&holder);
        let expected = obvious(&holder, action, place, &package, &version);
        let sight = sight(Some(&principal), action, place, &package);
        prop_assert_eq!(allows(Some(&principal), action, place, &package, &version), expected.0);
        prop_assert_eq!(sight.shows(&version), expected.0);
        let source = match &sight {
            Sight::Nothing => false,
            Sight::Everything => true,
            Sight::Limited(limits) => limits.shows_source(&version),
        };
        prop_assert_eq!(source, expected.1);
        // Nobody sees a package in a place that he may not know of, nor one that the patterns he is told do not cover.
        if expected.0 && action != Action::Upload {
            prop_assert!(enters(Some(&principal), place));
            if let Some(globs) = principal.name_limits(place) {
                prop_assert!(globs.iter().any(|glob| glob.matches(&package)));
            }
        }
        // Whoever has no view of its own sees all that there is, as far as it may read at all.
        let may_read = principal.abilities.has(Ability::ReadMetadata) && principal.bar.is_none();
        if action == Action::ReadMetadata && may_read && enters(Some(&principal), place)
            && principal.view_of(place).is_none()
        {
            prop_assert_eq!(sight, Sight::Everything);
        }
    }

    /// The same view means the same documents: what one was told may be taken for what the other would be told.
    #[test]
    fn who_has_the_same_view_sees_the_same(
        one in holders(), other in holders(), question in questions(),
    ) {
        let (_, place, package, version) = question;
        let reading = Abilities::of(&[Ability::ReadMetadata]);
        let [one, other] = [one, other].map(|holder| Principal { abilities: reading, bar: None, ..principal(&holder) });
        if enters(Some(&one), place) && enters(Some(&other), place) && one.view_of(place) == other.view_of(place) {
            let [first, second] = [&one, &other]
                .map(|principal| sight(Some(principal), Action::ReadMetadata, place, &package));
            prop_assert_eq!(first.shows(&version), second.shows(&version));
        }
    }
}

fn limited(versions: &str) -> Principal {
    let grant = GrantRecord {
        id: "g".to_owned(),
        organisation_id: 1,
        packages: Some(vec![glob("acme/*")]),
        items: None,
        repositories: None,
        versions: Some(constraint(versions)),
        released_until: None,
        released_after: None,
        minimum_stability: None,
        source: false,
        expires_at: None,
        keeps: false,
    };
    principal(&Holder {
        organisation: Some(1),
        abilities: Access::Read.abilities(),
        repositories: None,
        packages: None,
        sees_all: false,
        grants: vec![grant],
        ended_at: None,
        is_barred: false,
    })
}

const PLACE: Place<'static> = Place {
    organisation: 1,
    repository: "main",
    is_public: false,
};

#[test]
fn a_branch_counts_by_its_alias_too() {
    let customer = limited("^2.0");
    let sees = |normalized: &str, alias: Option<&str>| {
        let version = VersionFacts {
            normalized: normalized.to_owned(),
            alias: alias.map(str::to_owned),
            published_at: 1,
        };
        allows(
            Some(&customer),
            Action::ReadMetadata,
            PLACE,
            &package("acme/lib"),
            &version,
        )
    };
    assert!(sees("dev-main", Some("2.9999999.9999999.9999999-dev")));
    assert!(!sees("dev-main", Some("3.9999999.9999999.9999999-dev")));
    assert!(!sees("dev-main", Some("9999999-dev")));
    assert!(!sees("dev-main", None));
}

#[test]
fn customers_with_the_same_limits_share_their_views_and_others_do_not() {
    let name = package("acme/lib");
    let spelling =
        |principal: &Principal| match sight(Some(principal), Action::ReadMetadata, PLACE, &name) {
            Sight::Limited(limits) => limits.spelling().to_owned(),
            other => panic!("{other:?}"),
        };
    let (one, other) = (limited("^2.0"), limited("^1.0"));
    assert_eq!(spelling(&one), spelling(&limited("^2.0")));
    assert_ne!(spelling(&one), spelling(&other));
    // Twice the same, in another order.
    let mut both = one.clone();
    both.rules.extend(other.rules.clone());
    both.rules.extend(one.rules.clone());
    let mut turned = other.clone();
    turned.rules.extend(one.rules.clone());
    assert_eq!(spelling(&both), spelling(&turned));
    assert_eq!(both.view_of(PLACE), turned.view_of(PLACE));
}

#[test]
fn only_those_with_the_ability_manage_and_only_their_own() {
    let mut admin = limited("*");
    admin.abilities = Access::Admin.abilities();
    assert!(manages(&admin, Ability::ManageTokens, 1, None));
    assert!(!manages(&admin, Ability::Own, 1, None));
    assert!(!manages(&admin, Ability::ManageTokens, 2, None));
    assert!(manages(&admin, Ability::ManageTokens, 2, Some(1)));
    admin.abilities = Access::Write.abilities();
    assert!(!manages(&admin, Ability::ManageTokens, 1, None));
    admin.abilities = Abilities::all();
    admin.organisation = None;
    assert!(manages(&admin, Ability::Own, 2, None));
    admin.bar = Some(Bar::TokenExpired);
    assert!(!manages(&admin, Ability::Own, 2, None));
}

#[test]
fn a_network_is_met_by_either_form_of_an_address() {
    let mut machine = limited("*");
    machine.networks = Some(vec!["192.0.2.0/24".parse().unwrap()]);
    let bar =
        |address: Option<&str>| machine.bar_at(NOW, || address.map(|text| text.parse().unwrap()));
    assert_eq!(bar(Some("192.0.2.7")), None);
    assert_eq!(bar(Some("::ffff:192.0.2.7")), None);
    assert_eq!(bar(Some("192.0.3.7")), Some(Bar::WrongAddress));
    assert_eq!(bar(None), Some(Bar::WrongAddress));
    machine.networks = None;
    machine.expires_at = Some(NOW);
    assert_eq!(machine.bar_at(NOW, || None), Some(Bar::TokenExpired));
    assert_eq!(machine.bar_at(NOW - 1, || None), None);
}

#[test]
fn a_document_is_cut_to_what_is_seen() {
    let document = serde_json::json!({
        "minified": "composer/2.0",
        "packages": {"acme/lib": [
            {"name": "acme/lib", "version": "2.1.0", "version_normalized": "2.1.0.0", "published-time": "2026-02-01T00:00:00+00:00",
             "source": {"type": "git", "url": "https://git.example/acme/lib", "reference": "b"},
             "support": {"source": "https://git.example/acme/lib/tree/b", "docs": "https://docs.example"}, "require": {"php": "^8"}},
            {"version": "2.0.0", "version_normalized": "2.0.0.0", "published-time": "2026-01-01T00:00:00+00:00", "require": "__unset"},
            {"version": "1.0.0", "version_normalized": "1.0.0.0"},
        ]},
        "security-advisories": [],
    })
    .to_string();
    let Sight::Limited(limits) = sight(
        Some(&limited("^2.0 !=2.1.0")),
        Action::ReadMetadata,
        PLACE,
        &package("acme/lib"),
    ) else {
        panic!("it is limited");
    };
    let view = limit_document(document.as_bytes(), &limits).unwrap();
    let view: serde_json::Value = serde_json::from_slice(&view).unwrap();
    assert_eq!(
        view["packages"]["acme/lib"],
        serde_json::json!([{
            "name": "acme/lib", "version": "2.0.0", "version_normalized": "2.0.0.0",
            "published-time": "2026-01-01T00:00:00+00:00", "support": {"docs": "https://docs.example"},
        }])
    );
    let Sight::Limited(none) = Sight::of(vec![VersionLimit {
        constraints: vec![constraint("^9")],
        ..VersionLimit::default()
    }]) else {
        panic!("it is limited");
    };
    assert_eq!(limit_document(document.as_bytes(), &none), None);
}
