//! Signing in and out, and who one is.

use std::io::{IsTerminal, Write, stderr, stdin};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::arguments::Global;
use crate::calls::{ORGANISATIONS, SHOW_OWN_TOKEN};
use crate::client::{Client, Question};
use crate::context::{Context, normalize_url};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::profiles::{Profile, Profiles};
use crate::secret::{Secret, ask};

/// How to sign in.
#[derive(Debug, Args)]
pub(crate) struct LoginArguments {
    /// The address of the registry, such as https://packages.example.com
    address: Option<String>,
    /// Read the token from standard input; without it, it is asked for and not shown
    #[arg(long)]
    with_token: bool,
}

/// What there is to do with profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List where you are signed in
    List,
    /// Make a profile the current one
    Use {
        /// Its name
        name: String,
    },
}

/// Checks a token by asking whose it is, and keeps it.
pub(crate) fn login(global: &Global, output: &Output, arguments: LoginArguments) -> Result {
    let mut profiles = Profiles::load()?;
    let kept = profiles
        .profiles
        .get(global.profile.as_deref().unwrap_or_default());
    let address = arguments.address.or_else(|| global.url.clone());
    let url = match address.or_else(|| kept.map(|profile| profile.url.clone())) {
        Some(address) => address,
        None if stdin().is_terminal() => ask_address()?,
        None => {
            return Err(Failure::usage(
                "Say where: `repertoire login https://packages.example.com`",
            ));
        }
    };
    let url = normalize_url(&url)?;
    let token = Secret::parse(ask("Token", arguments.with_token)?.reveal())?;
    let client = Client::new(&url, Some(token.clone()), output);
    let mut answer = client.send(&Question::new(
        SHOW_OWN_TOKEN.method,
        SHOW_OWN_TOKEN.path(&[]),
    ))?;
    let shown = answer.json()?;
    if let Some(bar) = shown.get("bar").and_then(Value::as_str) {
        return Err(Failure::not_signed_in(format!(
            "The registry keeps this token out: {bar}"
        )));
    }
    let own = shown.pointer("/organisation/slug").and_then(Value::as_str);
    let organisation = match global.org.clone().or(own.map(str::to_owned)) {
        None => only_organisation(&client)?,
        organisation => organisation,
    };
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    let name = global.profile.clone().unwrap_or_else(|| host.to_owned());
    profiles.profiles.insert(
        name.clone(),
        Profile {
            url: url.clone(),
            token,
            organisation: organisation.clone(),
        },
    );
    profiles.current = Some(name.clone());
    let file = profiles.save()?;
    output.note(&format!("Kept in {}", file.display()));
    if output.json {
        return output.value(&json!({ "profile": name, "url": url, "organisation": organisation }));
    }
    let about = organisation.map_or_else(
        || "; say by `--org` which organisation a command is about".to_owned(),
        |slug| format!(", organisation {slug}"),
    );
    output.line(&format!("Signed in at {url} as {}{about}", caller(&shown)))
}

/// The owner of the instance belongs to none; where there is one only, that is meant.
fn only_organisation(client: &Client<'_>) -> Result<Option<String>> {
    let call = ORGANISATIONS.call;
    let listed = client
        .send(&Question::new(call.method, call.path(&[])))?
        .json()?;
    let all = listed.get(ORGANISATIONS.rows).and_then(Value::as_array);
    Ok(match all.map(Vec::as_slice) {
        Some([only]) => only.get("slug").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    })
}

fn ask_address() -> Result<String> {
    let _ = write!(stderr(), "Address of the registry: ");
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("The terminal cannot be read: {error}")))?;
    Ok(line.trim().to_owned())
}

fn caller(shown: &Value) -> String {
    let kind = shown.get("kind").and_then(Value::as_str).unwrap_or("?");
    let name = ["/person/name", "/customer/name"]
        .iter()
        .find_map(|place| shown.pointer(place)?.as_str());
    match (kind, name) {
        ("instance", _) => "the owner of the instance".to_owned(),
        (_, Some(name)) => name.to_owned(),
        (kind, None) => format!("a {kind}"),
    }
}

/// Forgets the token of a profile.
pub(crate) fn logout(global: &Global, output: &Output) -> Result {
    let mut profiles = Profiles::load()?;
    let found = profiles
        .find(global.profile.as_deref())?
        .map(|(name, _)| name.to_owned());
    let Some(name) = found else {
        return Err(Failure::not_signed_in("You are not signed in"));
    };
    profiles.profiles.remove(&name);
    if profiles.current.as_deref() == Some(&name) {
        profiles.current = profiles.profiles.keys().next().cloned();
    }
    profiles.save()?;
    output.note(&format!(
        "Forgot {name}. The token stays valid; `repertoire tokens revoke` ends one"
    ));
    Ok(())
}

/// Lists profiles, or chooses one. Tokens are not shown.
pub(crate) fn profiles(output: &Output, command: ProfilesCommand) -> Result {
    let mut profiles = Profiles::load()?;
    match command {
        ProfilesCommand::List => {
            let current = profiles.current.as_deref();
            let rows = profiles.profiles.iter().map(|(name, profile)| {
                json!({
                    "name": name,
                    "url": profile.url,
                    "organisation": profile.organisation,
                    "current": Some(name.as_str()) == current,
                })
            });
            let rows: Vec<_> = rows.collect();
            if output.json {
                return output.value(&Value::from(rows));
            }
            let columns = [
                ("NAME", "/name"),
                ("ADDRESS", "/url"),
                ("ORGANISATION", "/organisation"),
                ("CURRENT", "/current"),
            ];
            output.table(&columns, &rows)
        }
        ProfilesCommand::Use { name } => {
            profiles.find(Some(&name))?;
            profiles.current = Some(name);
            profiles.save()?;
            Ok(())
        }
    }
}

/// Says whose the token is, in the API's own sentences.
pub(crate) fn whoami(context: &Context<'_>) -> Result {
    let answer = context.call(SHOW_OWN_TOKEN, &[])?;
    if context.output.json {
        return context.show(answer);
    }
    let mut answer = answer;
    let shown = answer.json()?;
    context
        .output
        .line(&format!("{} at {}", caller(&shown), context.client.url()))?;
    if let Some(slug) = shown.pointer("/organisation/slug").and_then(Value::as_str) {
        context.output.line(&format!("Organisation: {slug}"))?;
    }
    let sentences = shown.get("in_words").and_then(Value::as_array);
    for sentence in sentences.into_iter().flatten().filter_map(Value::as_str) {
        context.output.line(sentence)?;
    }
    Ok(())
}
