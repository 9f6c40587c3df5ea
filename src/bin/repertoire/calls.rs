//! Every call of the API that the client makes. The tests below hold them against its description.

use clap::ValueEnum;

use crate::client::encode;

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A call, as the description of the API has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Below `/api/v1`.
    path: &'static str,
}

impl Call {
    /// The path with these values in place of its names, in their order.
    pub(crate) fn path(&self, values: &[&str]) -> String {
        let mut values = values.iter();
        let mut path = String::from("/api/v1");
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            if segment.starts_with('{') {
                path.push_str(&encode(values.next().copied().unwrap_or_default()));
            } else {
                path.push_str(segment);
            }
        }
        path
    }

    /// Whether its path begins with an organisation.
    pub(crate) fn is_of_organisation(&self) -> bool {
        self.path.starts_with("/orgs/{org}")
    }

    /// The call by another method at the same address.
    pub(crate) fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }
}

/// A list of the API, and what of each row is shown to people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    pub(crate) call: Call,
    /// Where the rows are in an answer.
    pub(crate) rows: &'static str,
    /// What a column is called, and where it is in a row.
    pub(crate) columns: &'static [(&'static str, &'static str)],
}

macro_rules! calls {
    ($($name:ident = $method:ident $path:literal;)*) => {
        $(pub(crate) const $name: Call = Call { method: Method::$method, path: $path };)*
        #[cfg(test)]
        const CALLS: &[(&str, Call)] = &[$((stringify!($name), $name)),*];
    };
}

macro_rules! lists {
    ($($name:ident = $path:literal, $rows:literal, [$($column:literal $pointer:literal),* $(,)?];)*) => {
        $(pub(crate) const $name: List = List {
            call: Call { method: Method::Get, path: $path },
            rows: $rows,
            columns: &[$(($column, $pointer)),*],
        };)*
        #[cfg(test)]
        const LISTS: &[(&str, List)] = &[$((stringify!($name), $name)),*];
    };
}

calls! {
    SHOW_OWN_TOKEN = Get "/token";
    SHOW_ME = Get "/me";
    UPDATE_ME = Patch "/me";
    CREATE_ORGANISATION = Post "/orgs";
    SHOW_REPOSITORY = Get "/orgs/{org}/repositories/{repo}";
    CREATE_REPOSITORY = Post "/orgs/{org}/repositories";
    UPDATE_REPOSITORY = Patch "/orgs/{org}/repositories/{repo}";
    DELETE_REPOSITORY = Delete "/orgs/{org}/repositories/{repo}";
    PUT_INTO_REPOSITORY = Put "/orgs/{org}/repositories/{repo}/packages/{vendor}/{name}";
    TAKE_OUT_OF_REPOSITORY = Delete "/orgs/{org}/repositories/{repo}/packages/{vendor}/{name}";
    SHOW_PACKAGE = Get "/orgs/{org}/packages/{vendor}/{name}";
    ADD_PACKAGE = Post "/orgs/{org}/packages";
    UPDATE_PACKAGE = Patch "/orgs/{org}/packages/{vendor}/{name}";
    DELETE_PACKAGE = Delete "/orgs/{org}/packages/{vendor}/{name}";
    SYNC_PACKAGE = Post "/orgs/{org}/packages/{vendor}/{name}/sync";
    SHOW_VERSION = Get "/orgs/{org}/packages/{vendor}/{name}/versions/{version}";
    DELETE_VERSION = Delete "/orgs/{org}/packages/{vendor}/{name}/versions/{version}";
    YANK_VERSION = Post "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/yank";
    UNYANK_VERSION = Delete "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/yank";
    DEPRECATE_VERSION = Put "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/deprecation";
    UNDEPRECATE_VERSION = Delete "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/deprecation";
    RESTORE_VERSION = Post "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/restore";
    SHOW_CONNECTION = Get "/orgs/{org}/connections/{id}";
    ADD_CONNECTION = Post "/orgs/{org}/connections";
    UPDATE_CONNECTION = Patch "/orgs/{org}/connections/{id}";
    DELETE_CONNECTION = Delete "/orgs/{org}/connections/{id}";
    ROTATE_WEBHOOK_SECRET = Post "/orgs/{org}/connections/{id}/webhook-secret";
    TRY_IMPORT = Post "/orgs/{org}/connections/{id}/imports/preview";
    START_IMPORT = Post "/orgs/{org}/connections/{id}/imports";
    SHOW_IMPORT = Get "/orgs/{org}/imports/{id}";
    CANCEL_IMPORT = Post "/orgs/{org}/imports/{id}/cancel";
    SHOW_TOKEN = Get "/orgs/{org}/tokens/{id}";
    CREATE_TOKEN = Post "/orgs/{org}/tokens";
    ROTATE_TOKEN = Post "/orgs/{org}/tokens/{id}/rotate";
    REVOKE_TOKEN = Delete "/orgs/{org}/tokens/{id}";
    SHOW_TOKEN_ABILITIES = Get "/orgs/{org}/tokens/{id}/abilities";
    SHOW_MEMBER = Get "/orgs/{org}/members/{account}";
    UPDATE_MEMBER = Patch "/orgs/{org}/members/{account}";
    REMOVE_MEMBER = Delete "/orgs/{org}/members/{account}";
    INVITE = Post "/orgs/{org}/invitations";
    REVOKE_INVITATION = Delete "/orgs/{org}/invitations/{id}";
    SHOW_TEAM = Get "/orgs/{org}/teams/{id}";
    CREATE_TEAM = Post "/orgs/{org}/teams";
    REMOVE_TEAM = Delete "/orgs/{org}/teams/{id}";
    ADD_TO_TEAM = Put "/orgs/{org}/teams/{id}/members/{account}";
    REMOVE_FROM_TEAM = Delete "/orgs/{org}/teams/{id}/members/{account}";
    SHOW_CUSTOMER = Get "/orgs/{org}/customers/{id}";
    CREATE_CUSTOMER = Post "/orgs/{org}/customers";
    UPDATE_CUSTOMER = Patch "/orgs/{org}/customers/{id}";
    REMOVE_CUSTOMER = Delete "/orgs/{org}/customers/{id}";
    PUT_CUSTOMERS = Put "/orgs/{org}/customers/bulk";
    CREATE_CUSTOMER_TOKEN = Post "/orgs/{org}/customers/{id}/tokens";
    REVOKE_CUSTOMER_TOKEN = Delete "/orgs/{org}/customers/{id}/tokens/{token}";
    SHOW_COLLECTION = Get "/orgs/{org}/collections/{id}";
    CREATE_COLLECTION = Post "/orgs/{org}/collections";
    UPDATE_COLLECTION = Patch "/orgs/{org}/collections/{id}";
    REMOVE_COLLECTION = Delete "/orgs/{org}/collections/{id}";
    SHOW_GRANT = Get "/orgs/{org}/grants/{id}";
    CREATE_GRANT = Post "/orgs/{org}/grants";
    REMOVE_GRANT = Delete "/orgs/{org}/grants/{id}";
    TRY_ACCESS = Post "/orgs/{org}/effective-access/dry-run";
    SHOW_JOB = Get "/orgs/{org}/jobs/{id}";
    CANCEL_JOB = Post "/orgs/{org}/jobs/{id}/cancel";
    RETRY_JOB = Post "/orgs/{org}/jobs/{id}/retry";
    SHOW_DELIVERY = Get "/orgs/{org}/deliveries/{id}";
    REPLAY_DELIVERY = Post "/orgs/{org}/deliveries/{id}/replay";
    EXPORT_AUDIT = Get "/orgs/{org}/audit/export";
    EXPORT_INSTANCE_AUDIT = Get "/audit/export";
}

lists! {
    ORGANISATIONS = "/orgs", "organisations", ["SLUG" "/slug", "NAME" "/name", "MADE" "/created_at"];
    REPOSITORIES = "/orgs/{org}/repositories", "repositories",
        ["SLUG" "/slug", "PUBLIC" "/public", "REVISION" "/revision", "ADDRESS" "/url", "DESCRIPTION" "/description"];
    REVISIONS = "/orgs/{org}/repositories/{repo}/revisions", "revisions",
        ["NUMBER" "/number", "TIME" "/time", "CAUSE" "/cause"];
    PACKAGES = "/orgs/{org}/packages", "packages",
        ["NAME" "/name", "VERSIONS" "/versions", "ABANDONED" "/abandoned", "DESCRIPTION" "/description"];
    CONNECTIONS = "/orgs/{org}/connections", "connections",
        ["ID" "/id", "HOST" "/provider", "ACCOUNT" "/account", "ADDRESS" "/base_url", "TROUBLE" "/trouble"];
    PROJECTS = "/orgs/{org}/connections/{id}/projects", "projects",
        ["ID" "/id", "PROJECT" "/full_name", "PRIVATE" "/private", "ARCHIVED" "/archived", "PACKAGES" "/packages"];
    IMPORTS = "/orgs/{org}/imports", "imports",
        ["ID" "/id", "STATE" "/state", "REPOSITORY" "/repository", "DONE" "/progress/done", "OF" "/progress/total",
         "BEGUN" "/created_at", "MESSAGE" "/message"];
    TOKENS = "/orgs/{org}/tokens", "tokens",
        ["ID" "/id", "NAME" "/name", "KIND" "/kind", "STATE" "/state", "ACCESS" "/access", "HINT" "/hint",
         "EXPIRES" "/expires_at", "LAST USED" "/last_used/at"];
    MEMBERS = "/orgs/{org}/members", "members",
        ["ID" "/id", "ADDRESS" "/email", "NAME" "/name", "ROLE" "/role", "SUSPENDED" "/suspended", "TEAMS" "/teams"];
    INVITATIONS = "/orgs/{org}/invitations", "invitations",
        ["ID" "/id", "ADDRESS" "/email", "ROLE" "/role", "STATE" "/state", "EXPIRES" "/expires_at"];
    TEAMS = "/orgs/{org}/teams", "teams",
        ["ID" "/id", "NAME" "/name", "MEMBERS" "/member_count", "DESCRIPTION" "/description"];
    CUSTOMERS = "/orgs/{org}/customers", "customers",
        ["ID" "/id", "NAME" "/name", "STATE" "/state", "EXTERNAL ID" "/external_id", "ADDRESS" "/email",
         "EXPIRES" "/expires_at"];
    CUSTOMER_TOKENS = "/orgs/{org}/customers/{id}/tokens", "tokens",
        ["ID" "/id", "NAME" "/name", "HINT" "/hint", "MADE" "/created_at", "EXPIRES" "/expires_at",
         "REVOKED" "/revoked_at"];
    COLLECTIONS = "/orgs/{org}/collections", "collections",
        ["ID" "/id", "NAME" "/name", "GRANTS" "/grants", "DESCRIPTION" "/description"];
    GRANTS = "/orgs/{org}/grants", "grants",
        ["ID" "/id", "FOR" "/subject", "PACKAGES" "/packages", "COLLECTION" "/collection", "VERSIONS" "/versions",
         "REPOSITORIES" "/repositories", "EXPIRES" "/expires_at"];
    ACCESS = "/orgs/{org}/effective-access", "packages",
        ["PACKAGE" "/package", "REPOSITORY" "/repository", "SEES" "/sees", "REASON" "/reason"];
    JOBS = "/orgs/{org}/jobs", "jobs",
        ["ID" "/id", "STATE" "/state", "PACKAGE" "/package", "CAUSE" "/cause", "DONE" "/progress/done",
         "OF" "/progress/total", "FAILED" "/progress/failed", "BEGUN" "/created_at", "MESSAGE" "/message"];
    DELIVERIES = "/orgs/{org}/deliveries", "deliveries",
        ["ID" "/id", "RECEIVED" "/received_at", "EVENT" "/event", "PROJECT" "/project", "VERDICT" "/verdict",
         "DETAIL" "/detail"];
    AUDIT = "/orgs/{org}/audit", "lines",
        ["ID" "/id", "TIME" "/time", "ACTOR" "/actor/name", "ACTION" "/action", "SUBJECT" "/subject/name",
         "FROM" "/address"];
    INSTANCE_AUDIT = "/audit", "lines",
        ["ID" "/id", "TIME" "/time", "ACTOR" "/actor/name", "ACTION" "/action", "SUBJECT" "/subject/name",
         "FROM" "/address"];
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn description() -> Value {
        serde_json::from_str(include_str!("../../http/api/openapi.json")).unwrap()
    }

    fn operation<'a>(description: &'a Value, call: &Call) -> Option<&'a Value> {
        let method = format!("{:?}", call.method).to_lowercase();
        description["paths"]
            .get(format!("/api/v1{}", call.path))?
            .get(method)
    }

    /// What a schema says at a place; `None` where it says nothing of it.
    fn at<'a>(description: &'a Value, schema: &'a Value, segments: &[&str]) -> Option<&'a Value> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let found = description.pointer(name.trim_start_matches('#')).unwrap();
            return at(description, found, segments);
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let mut found = choices
                .iter()
                .filter_map(|one| at(description, one, segments));
            return found.next();
        }
        match segments {
            [] => Some(schema),
            ["*", rest @ ..] => at(description, schema.get("items")?, rest),
            [name, rest @ ..] => at(description, schema.get("properties")?.get(name)?, rest),
        }
    }

    #[test]
    fn every_call_is_in_the_description_of_the_api() {
        let description = description();
        let lists = LISTS.iter().map(|(name, list)| (name, &list.call));
        let calls = CALLS.iter().map(|(name, call)| (name, call)).chain(lists);
        for (name, call) in calls {
            assert!(
                operation(&description, call).is_some(),
                "{name}: the API has no {:?} {}",
                call.method,
                call.path
            );
        }
    }

    #[test]
    fn what_is_changed_can_be_read_at_the_same_address() {
        let description = description();
        let changes = CALLS
            .iter()
            .filter(|(_, call)| call.method == Method::Patch);
        for (name, call) in changes {
            assert!(
                operation(&description, &call.by(Method::Get)).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_column_is_in_the_answers_of_the_api() {
        let description = description();
        for (name, list) in LISTS {
            let operation = operation(&description, &list.call).unwrap();
            let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            for (column, pointer) in list.columns {
                let mut path = vec![list.rows, "*"];
                path.extend(pointer.split('/').skip(1));
                assert!(
                    at(&description, answer, &path).is_some(),
                    "{name}: no {pointer} for the column {column}"
                );
            }
        }
    }

    #[test]
    fn values_stand_in_a_path_as_they_are_and_nowhere_else() {
        let path = SHOW_VERSION.path(&["acme", "acme", "lib", "dev-feature/a b?c#d%"]);
        let encoded = "dev-feature%2Fa%20b%3Fc%23d%25";
        assert_eq!(
            path,
            format!("/api/v1/orgs/acme/packages/acme/lib/versions/{encoded}")
        );
    }
}
