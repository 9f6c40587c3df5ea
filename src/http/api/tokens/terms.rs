//! What a token is asked to be, and whether the caller may give that much.

use deserr::Deserr;
use ipnet::IpNet;
use schemars::JsonSchema;

use crate::app::App;
use crate::domain::access::{Abilities, Ability, Access, Caller, Principal, Role};
use crate::domain::name::NameGlob;
use crate::domain::time::parse_rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::Authorised;
use crate::http::body::{BadValue, Change, Faults};
use crate::store::organisations::Organisation;
use crate::store::repositories::list_repositories;
use crate::store::tokens::{Holder, TokenRow, TokenTerms};

/// Names are for people.
const NAME_LIMIT: usize = 200;
/// Entries of a list; all of them are looked at with each request.
const LIST_LIMIT: usize = 200;

/// A token to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewToken")]
pub(crate) struct AskedToken {
    /// `machine`, which it is without it, or `personal`.
    #[deserr(default)]
    pub(crate) kind: Option<String>,
    /// What it is for, so that people know.
    #[deserr(try_from(String) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// A usual set of abilities: `read`, `write` or `admin`.
    #[deserr(default, try_from(Option<String>) = read_access -> BadValue)]
    #[schemars(with = "Option<String>")]
    access: Option<Access>,
    /// What it may do, where none of the usual sets fits.
    #[deserr(default, try_from(Option<Vec<String>>) = read_abilities -> BadValue)]
    #[schemars(with = "Option<Vec<String>>")]
    abilities: Option<Abilities>,
    /// The slugs of the repositories it is limited to; all without it.
    #[deserr(default)]
    repositories: Option<Vec<String>>,
    /// The packages it is limited to, as patterns such as `acme/*`; all without it.
    #[deserr(default)]
    packages: Option<Vec<NameGlob>>,
    /// The addresses and networks it may be used from; any without it.
    #[deserr(default)]
    networks: Option<Vec<Network>>,
    /// Whether it sees only what was granted to it.
    #[deserr(default)]
    only_granted: bool,
    /// When it ends, in RFC 3339; never without it.
    #[deserr(default)]
    expires_at: Option<Moment>,
}

/// A change of a token: what is absent stays, null takes a limit away.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "TokenChange")]
pub(crate) struct AskedChange {
    /// What it is for.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// A usual set of abilities: `read`, `write` or `admin`.
    #[deserr(default, try_from(Option<String>) = read_access -> BadValue)]
    #[schemars(with = "Option<String>")]
    access: Option<Access>,
    /// What it may do, where none of the usual sets fits.
    #[deserr(default, try_from(Option<Vec<String>>) = read_abilities -> BadValue)]
    #[schemars(with = "Option<Vec<String>>")]
    abilities: Option<Abilities>,
    /// The slugs of the repositories it is limited to; null for all.
    #[deserr(default)]
    #[schemars(with = "Option<Vec<String>>")]
    repositories: Change<Vec<String>>,
    /// The packages it is limited to, as patterns; null for all.
    #[deserr(default)]
    #[schemars(with = "Option<Vec<NameGlob>>")]
    packages: Change<Vec<NameGlob>>,
    /// The addresses and networks it may be used from; null for any.
    #[deserr(default)]
    #[schemars(with = "Option<Vec<Network>>")]
    networks: Change<Vec<Network>>,
    /// Whether it sees only what was granted to it.
    #[deserr(default)]
    only_granted: Option<bool>,
    /// When it ends, in RFC 3339; null for never.
    #[deserr(default)]
    #[schemars(with = "Option<Moment>")]
    expires_at: Change<Moment>,
}

/// An address or a network, without the bits that do not count.
#[derive(Debug, Clone, PartialEq, Eq, Deserr, JsonSchema)]
#[deserr(try_from(String) = Network::parse -> BadValue)]
#[schemars(transparent)]
pub(crate) struct Network(#[schemars(with = "String")] IpNet);

impl Network {
    // deserr hands values over.
    #[allow(clippy::needless_pass_by_value)]
    fn parse(text: String) -> Result<Self, BadValue> {
        parse_network(&text).map(Self).ok_or_else(|| {
            BadValue::new(
                "`networks` must be addresses or networks such as `192.0.2.7`, `10.0.0.0/8` or `2001:db8::/32`",
            )
        })
    }
}

/// A time, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserr, JsonSchema)]
#[deserr(try_from(String) = Moment::parse -> BadValue)]
#[schemars(transparent)]
pub(crate) struct Moment(#[schemars(with = "String", extend("format" = "date-time"))] i64);

impl Moment {
    /// Unix seconds.
    pub(super) fn seconds(self) -> i64 {
        self.0
    }

    // deserr hands values over.
    #[allow(clippy::needless_pass_by_value)]
    fn parse(text: String) -> Result<Self, BadValue> {
        parse_rfc3339(&text).map(Self).ok_or_else(|| {
            BadValue::new("`expires_at` must be a time such as `2027-01-31T12:00:00Z`")
        })
    }
}

impl AskedToken {
    /// Reads the terms of a token for somebody, and refuses what makes no sense. Whether the caller may give that much is
    /// [`check_giver`]'s to say.
    pub(super) async fn read(
        &self,
        app: &App,
        caller: &Authorised,
        organisation: &Organisation,
        holder: Holder<'_>,
    ) -> Result<TokenTerms> {
        let asked = one_of(self.access, self.abilities)?;
        let abilities = match (asked, holder) {
            (Some(abilities), _) => abilities,
            // It acts as she does, by a token that does so too.
            (None, Holder::Person(_)) => match &caller.caller {
                Caller::Person { role, .. } if caller.abilities == role.abilities() => {
                    Abilities::all()
                }
                _ => caller.abilities,
            },
            (None, Holder::Customer(_)) => Access::Read.abilities(),
            (None, Holder::Machine) => {
                return Err(Error::invalid(
                    "Say what the token may do: `access` (`read`, `write` or `admin`) or a list of `abilities`",
                ));
            }
        };
        let terms = TokenTerms {
            name: self.name.clone(),
            abilities,
            repositories: check_repositories(app, organisation, self.repositories.as_deref())
                .await?,
            packages: check_packages(self.packages.as_deref())?,
            networks: check_networks(self.networks.as_deref())?,
            only_granted: self.only_granted,
            expires_at: check_expiry(app, self.expires_at)?,
        };
        check_sense(holder, &terms)?;
        Ok(terms)
    }
}

impl AskedChange {
    /// Whether it is about the name alone.
    pub(super) fn is_renaming_only(&self) -> bool {
        self.access.is_none()
            && self.abilities.is_none()
            && self.repositories == Change::Keep
            && self.packages == Change::Keep
            && self.networks == Change::Keep
            && self.only_granted.is_none()
            && self.expires_at == Change::Keep
    }

    /// The terms after the change.
    pub(super) async fn apply(
        &self,
        app: &App,
        organisation: &Organisation,
        holder: Holder<'_>,
        before: &TokenTerms,
    ) -> Result<TokenTerms> {
        let mut terms = before.clone();
        if let Some(name) = &self.name {
            terms.name = read_name(name.clone())
                .map_err(|error| Error::bad_value("/name", error.to_string()))?;
        }
        if let Some(abilities) = one_of(self.access, self.abilities)? {
            terms.abilities = abilities;
        }
        if let Some(asked) = asked(&self.repositories) {
            terms.repositories =
                check_repositories(app, organisation, asked.map(Vec::as_slice)).await?;
        }
        if let Some(asked) = asked(&self.packages) {
            terms.packages = check_packages(asked.map(Vec::as_slice))?;
        }
        if let Some(asked) = asked(&self.networks) {
            terms.networks = check_networks(asked.map(Vec::as_slice))?;
        }
        if let Some(asked) = self.only_granted {
            terms.only_granted = asked;
        }
        if let Some(asked) = asked(&self.expires_at) {
            terms.expires_at = check_expiry(app, asked.copied())?;
        }
        check_sense(holder, &terms)?;
        Ok(terms)
    }
}

/// The terms of a token that is there.
pub(super) fn of_row(row: &TokenRow) -> Result<TokenTerms> {
    Ok(TokenTerms {
        name: row.name.clone(),
        abilities: row.abilities()?,
        repositories: row.repositories.clone(),
        packages: row.packages.clone(),
        networks: row.networks.clone(),
        only_granted: row.only_granted != 0,
        expires_at: row.expires_at,
    })
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn read_name(name: String) -> Result<String, BadValue> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.len() > NAME_LIMIT {
        return Err(BadValue::new(
            "A token needs a `name` of 1 to 200 bytes, so that people know what it is for",
        ));
    }
    Ok(trimmed.to_owned())
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_access(text: Option<String>) -> Result<Option<Access>, BadValue> {
    text.map(|text| {
        Access::parse(&text)
            .ok_or_else(|| BadValue::new("`access` must be `read`, `write` or `admin`"))
    })
    .transpose()
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_abilities(names: Option<Vec<String>>) -> Result<Option<Abilities>, BadValue> {
    let Some(names) = names else {
        return Ok(None);
    };
    let known: Option<Vec<_>> = names.iter().map(|name| Ability::parse(name)).collect();
    match known {
        Some(known) if !known.is_empty() => Ok(Some(Abilities::of(&known))),
        Some(_) => Err(BadValue::new(
            "`abilities` must name at least one: a token without any is of no use",
        )),
        None => Err(BadValue::new(format!(
            "`abilities` has one that there is not; there are `{}`",
            Abilities::all().names().join("`, `")
        ))),
    }
}

fn one_of(access: Option<Access>, abilities: Option<Abilities>) -> Result<Option<Abilities>> {
    if access.is_some() && abilities.is_some() {
        return Err(Error::bad_value(
            "/abilities",
            "Give either `access` or `abilities`: the one stands for a set of the other",
        ));
    }
    Ok(access.map(Access::abilities).or(abilities))
}

/// What is asked for: nothing, that a limit goes, or another one.
#[expect(clippy::option_option, reason = "not asked for, taken away, or given")]
fn asked<T>(change: &Change<T>) -> Option<Option<&T>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value)),
    }
}

async fn check_repositories(
    app: &App,
    organisation: &Organisation,
    asked: Option<&[String]>,
) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("repositories", asked)?;
    let known = list_repositories(app, organisation.id).await?;
    for (index, slug) in asked.iter().enumerate() {
        if !known.iter().any(|repository| repository.slug == *slug) {
            return Err(Error::bad_value(
                format!("/repositories/{index}"),
                format!("`repositories` names `{slug}`, which this organisation does not have"),
            ));
        }
    }
    to_text(asked).map(Some)
}

fn check_packages(asked: Option<&[NameGlob]>) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("packages", asked)?;
    to_text(asked).map(Some)
}

fn check_networks(asked: Option<&[Network]>) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("networks", asked)?;
    if asked.is_empty() {
        return Err(Error::bad_value(
            "/networks",
            "`networks` must name at least one, or be null for any address: with none, the token is of no use",
        ));
    }
    let networks: Vec<_> = asked.iter().map(|network| network.0.to_string()).collect();
    to_text(&networks).map(Some)
}

/// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address.
fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<std::net::IpAddr>().ok()?.to_canonical()),
    };
    Some(network.trunc())
}

fn check_expiry(app: &App, asked: Option<Moment>) -> Result<Option<i64>> {
    let end = asked.map(|moment| moment.0);
    if end.is_some_and(|end| end <= app.now()) {
        return Err(Error::bad_value(
            "/expires_at",
            "`expires_at` is in the past",
        ));
    }
    Ok(end)
}

fn check_length<T>(field: &str, list: &[T]) -> Result<()> {
    if list.len() > LIST_LIMIT {
        return Err(Error::bad_value(
            format!("/{field}"),
            format!(
                "`{field}` may have at most {LIST_LIMIT} entries; they are looked at with each request"
            ),
        ));
    }
    Ok(())
}

fn to_text<T: serde::Serialize>(list: &[T]) -> Result<String> {
    serde_json::to_string(list).map_err(Error::internal)
}

/// Refuses terms that contradict themselves.
fn check_sense(holder: Holder<'_>, terms: &TokenTerms) -> Result<()> {
    let limit = [
        ("repositories", terms.repositories.is_some()),
        ("packages", terms.packages.is_some()),
        ("only_granted", terms.only_granted),
    ];
    let limit = limit.into_iter().find(|(_, is_set)| *is_set);
    let unlimitable: Vec<_> = terms
        .abilities
        .iter()
        .filter(|ability| !ability.is_limitable())
        .map(Ability::as_str)
        .collect();
    if let Some((limit, _)) = limit
        && !unlimitable.is_empty()
    {
        return Err(Error::bad_value(
            format!("/{limit}"),
            format!(
                "`{limit}` cannot be limited for a token with `{}`: it could make others without limits, or sees the \
                 whole organisation",
                unlimitable.join("`, `")
            ),
        ));
    }
    let beyond = terms.abilities.without(Access::Read.abilities());
    if matches!(holder, Holder::Customer(_)) && !beyond.is_empty() {
        return Err(Error::invalid(format!(
            "A customer's token reads: it may have `read_metadata` and `read_dists`, and not `{}`",
            beyond.names().join("`, `")
        )));
    }
    if matches!(holder, Holder::Customer(_)) && terms.only_granted {
        return Err(Error::invalid(
            "`only_granted` is so for all tokens of customers; leave it out",
        ));
    }
    Ok(())
}

/// Refuses to give more than the caller has. When a token ends is not looked at: those that it made outlive it, as a
/// machine outlives the person who set it up.
pub(super) fn check_giver(
    caller: &Principal,
    holder: Holder<'_>,
    terms: &TokenTerms,
) -> Result<()> {
    let forbid = |message: String| Err(Error::new(ErrorKind::Forbidden, message));
    let is_limited = caller.repositories.is_some()
        || caller.packages.is_some()
        || (matches!(caller.caller, Caller::Machine) && !caller.sees_all);
    if is_limited {
        return forbid(
            "The token that you use is limited to some repositories or packages, so it makes and changes no others"
                .to_owned(),
        );
    }
    let given = match (holder, &caller.caller) {
        // What a customer sees is given by grants, and those are made by the same people.
        (Holder::Customer(_), _) => Abilities::default(),
        (Holder::Person(_), Caller::Person { role, .. }) => {
            terms.abilities.intersection(Role::abilities(*role))
        }
        _ => terms.abilities,
    };
    let lacking = given.without(caller.abilities);
    if !lacking.is_empty() {
        return forbid(format!(
            "The token that you use lacks `{}`, so it cannot give that to another",
            lacking.names().join("`, `")
        ));
    }
    let Some(own) = &caller.networks else {
        return Ok(());
    };
    let networks: Vec<IpNet> = match &terms.networks {
        Some(text) => serde_json::from_str::<Vec<String>>(text)
            .map_err(Error::internal)?
            .iter()
            .map(|text| text.parse().map_err(Error::internal))
            .collect::<Result<_>>()?,
        None => Vec::new(),
    };
    let is_within = |network: &IpNet| own.iter().any(|wide| wide.contains(network));
    if terms.networks.is_none() || !networks.iter().all(is_within) {
        let own: Vec<_> = own.iter().map(ToString::to_string).collect();
        return forbid(format!(
            "The token that you use is limited to the networks {}; name `networks` within them",
            own.join(", ")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_people_write_them() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("2001:db8::1", "2001:db8::1/128"),
            (" 2001:db8:ffff::/32 ", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ] {
            assert_eq!(parse_network(text).unwrap().to_string(), expected);
        }
        for text in ["", "10.0.0.0/33", "10.0.0", "office", "1.2.3.4-5"] {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }
}
