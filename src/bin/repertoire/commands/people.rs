//! People, how they are asked in, and their teams.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    ADD_TO_TEAM, CREATE_TEAM, INVITATIONS, INVITE, MEMBERS, REMOVE_FROM_TEAM, REMOVE_MEMBER,
    REMOVE_TEAM, REVOKE_INVITATION, SHOW_ME, SHOW_MEMBER, SHOW_TEAM, TEAMS, UPDATE_ME,
    UPDATE_MEMBER,
};
use crate::context::{Context, body, some_list};
use crate::failure::Result;

/// What there is to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// List them by address
    List {
        /// owner, admin, maintainer, member or auditor
        #[arg(long)]
        role: Option<String>,
        /// Of this team (an id)
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Show one
    Show {
        /// Her id
        id: String,
    },
    /// Show yourself
    Me,
    /// Change what you are called in the organisation of your token
    Rename {
        /// Your name
        name: String,
    },
    /// Give one another role
    Role {
        /// Her id
        id: String,
        /// owner, admin, maintainer, member or auditor
        role: String,
    },
    /// Let one have nothing until she is resumed
    Suspend {
        /// Her id
        id: String,
    },
    /// Let one in again
    Resume {
        /// Her id
        id: String,
    },
    /// Take one out of the organisation; her tokens here end
    Remove {
        /// Her id
        id: String,
    },
}

/// What there is to do with invitations.
#[derive(Debug, Subcommand)]
pub(crate) enum InvitationsCommand {
    /// List them, newest first
    List {
        /// open, accepted, revoked or expired
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Ask somebody in; the link is shown this once, for you to hand on
    Create {
        /// Her address
        email: String,
        /// owner, admin, maintainer, member or auditor
        #[arg(long, default_value = "member")]
        role: String,
        /// Teams that she is to be in (ids)
        #[arg(long)]
        team: Vec<String>,
    },
    /// Withdraw an open one
    Revoke {
        /// Its id
        id: String,
    },
}

/// What there is to do with teams.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamsCommand {
    /// List them by name
    List(Length),
    /// Show one with its members
    Show {
        /// Its id
        id: String,
    },
    /// Make one
    Create {
        /// What it is called
        name: String,
        /// For people
        #[arg(long)]
        description: Option<String>,
    },
    /// Remove one, with what was granted to it
    Remove {
        /// Its id
        id: String,
    },
    /// Put somebody into one
    Add {
        /// The team's id
        team: String,
        /// Her id
        person: String,
    },
    /// Take somebody out of one
    Take {
        /// The team's id
        team: String,
        /// Her id
        person: String,
    },
}

pub(crate) fn people(context: &Context<'_>, command: PeopleCommand) -> Result {
    let change = |id: &str, body: Value| context.change(UPDATE_MEMBER, &[id], &body);
    match command {
        PeopleCommand::List { role, team, length } => {
            let query = [("role", role.as_deref()), ("team", team.as_deref())];
            context.list(&MEMBERS, &[], &query, length.limit)
        }
        PeopleCommand::Show { id } => context.run(SHOW_MEMBER, &[&id]),
        PeopleCommand::Me => context.run(SHOW_ME, &[]),
        PeopleCommand::Rename { name } => context.change(UPDATE_ME, &[], &json!({ "name": name })),
        PeopleCommand::Role { id, role } => change(&id, json!({ "role": role })),
        PeopleCommand::Suspend { id } => change(&id, json!({ "suspended": true })),
        PeopleCommand::Resume { id } => change(&id, json!({ "suspended": false })),
        PeopleCommand::Remove { id } => context.run(REMOVE_MEMBER, &[&id]),
    }
}

pub(crate) fn invitations(context: &Context<'_>, command: InvitationsCommand) -> Result {
    match command {
        InvitationsCommand::List { state, length } => context.list(
            &INVITATIONS,
            &[],
            &[("state", state.as_deref())],
            length.limit,
        ),
        InvitationsCommand::Create { email, role, team } => {
            let given = vec![
                ("email", Some(email.into())),
                ("role", Some(role.into())),
                ("teams", some_list(&team)),
            ];
            context.run_with(INVITE, &[], &body(given, &[]))
        }
        InvitationsCommand::Revoke { id } => context.run(REVOKE_INVITATION, &[&id]),
    }
}

pub(crate) fn teams(context: &Context<'_>, command: TeamsCommand) -> Result {
    match command {
        TeamsCommand::List(length) => context.list(&TEAMS, &[], &[], length.limit),
        TeamsCommand::Show { id } => context.run(SHOW_TEAM, &[&id]),
        TeamsCommand::Create { name, description } => {
            let given = vec![
                ("name", Some(name.into())),
                ("description", description.map(Value::from)),
            ];
            context.run_with(CREATE_TEAM, &[], &body(given, &[]))
        }
        TeamsCommand::Remove { id } => context.run(REMOVE_TEAM, &[&id]),
        TeamsCommand::Add { team, person } => context.run(ADD_TO_TEAM, &[&team, &person]),
        TeamsCommand::Take { team, person } => context.run(REMOVE_FROM_TEAM, &[&team, &person]),
    }
}
