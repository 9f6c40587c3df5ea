//! What a token is asked to be, and whether the caller may give that much.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::app::App;
use crate::domain::access::{Abilities, Ability, Access, Caller, Principal, Role};
use crate::domain::name::NameGlob;
use crate::domain::time::parse_rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::Authorised;
use crate::store::organisations::Organisation;
use crate::store::repositories::list_repositories;
use crate::store::tokens::{Holder, TokenRow, TokenTerms};

/// Names are for people.
const NAME_LIMIT: usize = 200;
/// Entries of a list; all of them are looked at with each request.
const LIST_LIMIT: usize = 200;

/// A token to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedToken {
    pub(crate) kind: Option<String>,
    name: String,
    access: Option<String>,
    abilities: Option<Vec<String>>,
    repositories: Option<Vec<String>>,
    packages: Option<Vec<String>>,
    networks: Option<Vec<String>>,
    only_granted: Option<bool>,
    expires_at: Option<String>,
}

/// A change of a token: what is absent stays, null takes a limit away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedChange {
    name: Option<String>,
    access: Option<String>,
    abilities: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    repositories: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    packages: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    networks: Option<Option<Vec<String>>>,
    only_granted: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    expires_at: Option<Option<String>>,
}

/// Tells null from absence.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
        let asked = read_abilities(self.access.as_deref(), self.abilities.as_deref())?;
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
            name: read_name(&self.name)?,
            abilities,
            repositories: read_repositories(app, organisation, self.repositories.as_deref())
                .await?,
            packages: read_packages(self.packages.as_deref())?,
            networks: read_networks(self.networks.as_deref())?,
            only_granted: self.only_granted.unwrap_or_default(),
            expires_at: read_expiry(app, self.expires_at.as_deref())?,
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
            && self.repositories.is_none()
            && self.packages.is_none()
            && self.networks.is_none()
            && self.only_granted.is_none()
            && self.expires_at.is_none()
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
            terms.name = read_name(name)?;
        }
        if let Some(abilities) = read_abilities(self.access.as_deref(), self.abilities.as_deref())?
        {
            terms.abilities = abilities;
        }
        if let Some(asked) = &self.repositories {
            terms.repositories = read_repositories(app, organisation, asked.as_deref()).await?;
        }
        if let Some(asked) = &self.packages {
            terms.packages = read_packages(asked.as_deref())?;
        }
        if let Some(asked) = &self.networks {
            terms.networks = read_networks(asked.as_deref())?;
        }
        if let Some(asked) = self.only_granted {
            terms.only_granted = asked;
        }
        if let Some(asked) = &self.expires_at {
            terms.expires_at = read_expiry(app, asked.as_deref())?;
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

fn read_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(Error::invalid(
            "A token needs a `name` of 1 to 200 bytes, so that people know what it is for",
        ));
    }
    Ok(name.to_owned())
}

fn read_abilities(access: Option<&str>, names: Option<&[String]>) -> Result<Option<Abilities>> {
    match (access, names) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::invalid(
            "Give either `access` or `abilities`: the one stands for a set of the other",
        )),
        (Some(access), None) => Access::parse(access)
            .map(|access| Some(access.abilities()))
            .ok_or_else(|| Error::invalid("`access` must be `read`, `write` or `admin`")),
        (None, Some(names)) => {
            let known: Vec<_> = names
                .iter()
                .map(|name| {
                    Ability::parse(name).ok_or_else(|| {
                        let all = Abilities::all().names().join("`, `");
                        Error::invalid(format!(
                            "`abilities` has one that there is not; there are `{all}`"
                        ))
                    })
                })
                .collect::<Result<_>>()?;
            if known.is_empty() {
                return Err(Error::invalid(
                    "`abilities` must name at least one: a token without any is of no use",
                ));
            }
            Ok(Some(Abilities::of(&known)))
        }
    }
}

async fn read_repositories(
    app: &App,
    organisation: &Organisation,
    asked: Option<&[String]>,
) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("repositories", asked)?;
    let known = list_repositories(app, organisation.id).await?;
    for slug in asked {
        if !known.iter().any(|repository| repository.slug == *slug) {
            return Err(Error::invalid(format!(
                "`repositories` names `{slug}`, which this organisation does not have"
            )));
        }
    }
    to_text(asked).map(Some)
}

fn read_packages(asked: Option<&[String]>) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("packages", asked)?;
    let globs: Vec<_> = asked
        .iter()
        .map(|glob| NameGlob::parse(glob).map_err(|error| Error::invalid(error.to_string())))
        .collect::<Result<_>>()?;
    to_text(&globs).map(Some)
}

/// Reads networks: `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits behind the prefix do not count.
fn read_networks(asked: Option<&[String]>) -> Result<Option<String>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    check_length("networks", asked)?;
    if asked.is_empty() {
        return Err(Error::invalid(
            "`networks` must name at least one, or be null for any address: with none, the token is of no use",
        ));
    }
    let networks: Vec<_> = asked
        .iter()
        .map(|text| {
            parse_network(text).map(|network| network.to_string()).ok_or_else(|| {
                Error::invalid(
                    "`networks` must be addresses or networks such as `192.0.2.7`, `10.0.0.0/8` or `2001:db8::/32`",
                )
            })
        })
        .collect::<Result<_>>()?;
    to_text(&networks).map(Some)
}

fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<std::net::IpAddr>().ok()?.to_canonical()),
    };
    Some(network.trunc())
}

fn read_expiry(app: &App, asked: Option<&str>) -> Result<Option<i64>> {
    let Some(text) = asked else {
        return Ok(None);
    };
    let end = parse_rfc3339(text).ok_or_else(|| {
        Error::invalid("`expires_at` must be a time such as `2027-01-31T12:00:00Z`")
    })?;
    if end <= app.now() {
        return Err(Error::invalid("`expires_at` is in the past"));
    }
    Ok(Some(end))
}

fn check_length(field: &str, list: &[String]) -> Result<()> {
    if list.len() > LIST_LIMIT {
        return Err(Error::invalid(format!(
            "`{field}` may have at most {LIST_LIMIT} entries; they are looked at with each request"
        )));
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
    // A person's token with all of her abilities is cut to what packages are about.
    if let Some((limit, _)) = limit
        && !unlimitable.is_empty()
    {
        return Err(Error::invalid(format!(
            "`{limit}` cannot be limited for a token with `{}`: it could make others without limits, or sees the whole \
             organisation",
            unlimitable.join("`, `")
        )));
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
