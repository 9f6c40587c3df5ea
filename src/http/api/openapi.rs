//! The description of the API (OpenAPI 3.1), made of the types that the handlers read and write. It is made on the
//! developer's machine and kept as a file: `tests/it/openapi.rs` says when that is stale, and that no route is missing.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::api::customers::described as customers;
use crate::http::api::{
    audit, browse, confirmation, connections, definitions, deletions, deliveries, github_apps,
    health, hooks, hosts, imports, jobs, monorepos, organisations, package_settings, packages,
    people, projects, repositories, shown, sign_in, statistics, tokens, versions, webhook_secrets,
};
use crate::http::problem::Problem;
use crate::store::completion::ShownArchive;

/// One call of the API.
struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    /// Parameters of the query, but for those of pages.
    query: &'static [(&'static str, &'static str)],
    pages: bool,
    body: Option<Value>,
    /// The answers that are no problem.
    answers: Vec<(u16, Option<Value>)>,
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.clone().into_generator();
    let mut answers = settings.for_serialize().into_generator();
    let mut operations = operations(&mut generator, &mut answers);
    answers.subschema_for::<Problem<'_>>();
    let mut schemas = generator.take_definitions(true);
    let mut shown = Value::Object(answers.take_definitions(true));
    // What is read may leave out more than what is written: where the two differ, each has a name of its own.
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in names {
        if shown
            .get(&name)
            .is_some_and(|other| Some(other) != schemas.get(&name))
        {
            rename(&mut shown, &name);
            for (_, schema) in operations.iter_mut().flat_map(|one| &mut one.answers) {
                if let Some(schema) = schema {
                    rename(schema, &name);
                }
            }
            if let Some(shown) = shown.as_object_mut()
                && let Some(schema) = shown.remove(&name)
            {
                shown.insert(format!("{name}Shown"), schema);
            }
        }
    }
    if let Value::Object(shown) = shown {
        schemas.extend(shown);
    }
    let mut paths: Map<String, Value> = Map::new();
    for operation in &operations {
        let path = format!("/api/v1{}", operation.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = entry.as_object_mut() {
            methods.insert(operation.method.to_lowercase(), describe(operation));
        }
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Repertoire",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The JSON API of a private Composer repository",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token of this registry" },
                "basic": { "type": "http", "scheme": "basic", "description": "The token as password, with any user name" },
            },
            "responses": { "Problem": {
                "description": "What went wrong, and what to do; `code` tells problems apart",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                    "example": {
                        "type": "about:blank", "title": "Invalid input", "status": 422, "code": "invalid_input",
                        "detail": "`name` is missing",
                        "errors": [{ "field": "/name", "code": "missing_field", "detail": "`name` is missing" }],
                    },
                }},
            }},
            "schemas": schemas,
        },
    })
}

/// Has all references to a schema lead to the one of the same name with `Shown` behind it.
fn rename(value: &mut Value, name: &str) {
    match value {
        Value::String(text) if *text == format!("#/components/schemas/{name}") => {
            text.push_str("Shown");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, name)),
        _ => {}
    }
}

fn describe(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": path_schema(operation.path, name) })
        })
        .collect();
    for (name, description) in operation.query {
        parameters.push(json!({
            "name": name, "in": "query", "description": description, "schema": { "type": "string" },
        }));
    }
    if operation.pages {
        parameters.push(json!({
            "name": "cursor", "in": "query", "description": "`next` of the page before", "schema": { "type": "string" },
        }));
        parameters.push(json!({
            "name": "limit", "in": "query", "description": "Rows of a page",
            "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 100 },
        }));
    }
    let mut headers = |name: &str, description: &str, schema: Value| {
        parameters.push(
            json!({ "name": name, "in": "header", "description": description, "schema": schema }),
        );
    };
    let tag = json!({ "type": "string" });
    match operation.method {
        "POST" if operation.path != "/setup" => headers(
            "Idempotency-Key",
            "The same request with the same key is done once and answered again for a day",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" }),
        ),
        "GET" if operation.path != "/openapi.json" => {
            headers(
                "If-None-Match",
                "The entity tag of what the caller has",
                tag,
            );
        }
        "PATCH" | "PUT" | "DELETE" => {
            headers("If-Match", "The entity tag of what is to be changed", tag);
        }
        _ => {}
    }
    let mut answers: Map<String, Value> = operation
        .answers
        .iter()
        .map(|(status, schema)| {
            (
                status.to_string(),
                answer(*status, operation.method, schema.as_ref()),
            )
        })
        .collect();
    if operation.method == "GET" && operation.path != "/openapi.json" {
        answers.insert(
            "304".to_owned(),
            json!({ "description": "The caller has it already" }),
        );
    }
    answers.insert(
        "default".to_owned(),
        json!({ "$ref": "#/components/responses/Problem" }),
    );
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag_of(operation.path)],
        "parameters": parameters,
        "responses": answers,
    });
    if let Some(described) = described.as_object_mut() {
        if let Some(schema) = &operation.body {
            let content = if operation.id == "uploadArchive" {
                json!({ "application/octet-stream": {} })
            } else {
                json!({ "application/json": { "schema": schema } })
            };
            described.insert(
                "requestBody".to_owned(),
                json!({ "required": true, "content": content }),
            );
        }
        if operation.path == "/openapi.json" {
            described.insert("security".to_owned(), json!([]));
        }
    }
    described
}

fn answer(status: u16, method: &str, schema: Option<&Value>) -> Value {
    let description = match status {
        201 => "Made",
        202 => "Begun; the job goes on",
        503 => "Something fails, told in the same way; or nothing could be told, as a problem",
        204 => "Done",
        _ => "What there is",
    };
    let mut answer = json!({ "description": description });
    if let Some(answer) = answer.as_object_mut() {
        if let Some(schema) = schema {
            let mut content = Map::new();
            content.insert("application/json".to_owned(), json!({ "schema": schema }));
            if status == 503 {
                let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
                content.insert("application/problem+json".to_owned(), problem);
            }
            answer.insert("content".to_owned(), Value::Object(content));
        }
        if method == "GET" {
            answer.insert(
                "headers".to_owned(),
                json!({ "ETag": { "schema": { "type": "string" } } }),
            );
        }
    }
    answer
}

fn path_schema(path: &str, name: &str) -> Value {
    let is_number = name == "number"
        || (name == "id" && (path.contains("/deliveries/{id}") || path.contains("/dead-letters/")));
    if is_number && !path.contains("/github-apps/") {
        json!({ "type": "integer", "minimum": 1 })
    } else {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// What stands behind the organisation, or the first segment.
fn tag_of(path: &str) -> &str {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["orgs", "{org}", part, ..] => part,
        ["orgs", ..] => "organisations",
        [first, ..] => first,
        [] => "",
    }
}

/// `{name: [row]}`.
fn list(name: &str, row: &Value) -> Value {
    json!({ "type": "object", "required": [name], "properties": { name: { "type": "array", "items": row } } })
}

/// `{name: [row], next}`.
fn page(name: &str, row: &Value) -> Value {
    json!({
        "type": "object",
        "required": [name, "next"],
        "properties": {
            name: { "type": "array", "items": row },
            "next": { "type": ["string", "null"], "description": "The cursor to the next page" },
        },
    })
}

fn wrapped(name: &str, value: &Value) -> Value {
    json!({ "type": "object", "required": [name], "properties": { name: value } })
}

const PERIOD: &[(&str, &str)] = &[
    (
        "from",
        "The first day, such as `2026-11-21`; without it there are thirty buckets",
    ),
    ("to", "The last day; today, without it"),
    ("bucket", "`day`, `week` or `month`"),
];
const STATISTICS: &[(&str, &str)] = &[
    (
        "from",
        "The first day, such as `2026-11-21`; without it there are thirty buckets",
    ),
    ("to", "The last day; today, without it"),
    ("bucket", "`day`, `week` or `month`"),
    (
        "by",
        "`php`, `composer`, `reader`, or `version` of a package",
    ),
];
const TOP_PACKAGES: &[(&str, &str)] = &[
    (
        "from",
        "The first day, such as `2026-11-21`; without it there are thirty buckets",
    ),
    ("to", "The last day; today, without it"),
    ("bucket", "`day`, `week` or `month`"),
    ("limit", "Packages at most, from 1 to 100"),
];
const AUDIT_FILTERS: &[(&str, &str)] = &[
    ("actor", "Id or name of who did it"),
    ("action", "An action, or the first part of one: `token`"),
    ("subject", "Id or name of what was changed"),
    ("since", "A day or a time"),
    ("until", "A day or a time"),
];
const AUDIT_EXPORT: &[(&str, &str)] = &[
    ("format", "`jsonl`, or `csv`"),
    ("actor", "Id or name of who did it"),
    ("action", "An action, or the first part of one: `token`"),
    ("subject", "Id or name of what was changed"),
    ("since", "A day or a time"),
    ("until", "A day or a time"),
];

/// Every call, in the order of the routes. A body is read, an answer is written: hence two generators.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn operations(body: &mut SchemaGenerator, answer: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation { method: "GET", path: "/openapi.json", id: "describeApi", query: &[], pages: false,
            summary: "This description",
            body: None, answers: vec![(200, Some(json!({ "type": "object" })))] },
        Operation { method: "POST", path: "/setup", id: "setUp", query: &[], pages: false,
            summary: "Makes the first organisation, its repository and the owner's token, once; needs the set-up secret",
            body: Some(schema::<organisations::SetUp>(body)), answers: vec![(201, Some(schema::<organisations::SetUpDone>(answer)))] },
        Operation { method: "GET", path: "/orgs", id: "listOrganisations", query: &[], pages: false,
            summary: "Lists the organisations that the token may manage",
            body: None, answers: vec![(200, Some(list("organisations", &schema::<organisations::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs", id: "createOrganisation", query: &[], pages: false,
            summary: "Makes an organisation",
            body: Some(schema::<organisations::NewOrganisation>(body)), answers: vec![(201, Some(schema::<organisations::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}", id: "showOrganisation", query: &[], pages: false,
            summary: "Shows an organisation",
            body: None, answers: vec![(200, Some(schema::<organisations::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}", id: "updateOrganisation", query: &[], pages: false,
            summary: "Changes an organisation; `state`, `reason` and `quotas` are for the owner of the instance",
            body: Some(schema::<organisations::OrganisationChange>(body)), answers: vec![(200, Some(schema::<organisations::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/organisations", id: "listOrganisationsBelow", query: &[], pages: true,
            summary: "Lists the organisations below an organisation",
            body: None, answers: vec![(200, Some(page("organisations", &schema::<organisations::ShownBelow>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/usage", id: "showUsage", query: &[], pages: false,
            summary: "Shows what an organisation uses, beside its quotas",
            body: None, answers: vec![(200, Some(schema::<organisations::ShownUsageOfOne>(answer)))] },
        Operation { method: "GET", path: "/usage", id: "listUsage", query: &[("sort", "`slug`, `packages`, `storage` or `bandwidth`, the greatest first")], pages: true,
            summary: "Lists what all organisations use; the owner of the instance alone",
            body: None, answers: vec![(200, Some(schema::<organisations::ShownUsagePage>(answer)))] },
        Operation { method: "GET", path: "/health", id: "showHealth", query: &[], pages: false,
            summary: "Tells whether everything answers that the instance needs, and what waits; its owner alone",
            body: None, answers: vec![(200, Some(schema::<health::ShownHealth>(answer))), (503, Some(schema::<health::ShownHealth>(answer)))] },
        Operation { method: "GET", path: "/audit", id: "listInstanceAudit", query: AUDIT_FILTERS, pages: true,
            summary: "Lists who changed what of the instance; its owner alone, newest first",
            body: None, answers: vec![(200, Some(schema::<audit::ShownPage>(answer)))] },
        Operation { method: "GET", path: "/audit/export", id: "exportInstanceAudit", query: AUDIT_EXPORT, pages: true,
            summary: "The same as a file, as `jsonl` or `csv`",
            body: None, answers: vec![(200, None)] },
        Operation { method: "GET", path: "/orgs/{org}/audit", id: "listAudit", query: AUDIT_FILTERS, pages: true,
            summary: "Lists who changed what of an organisation, newest first",
            body: None, answers: vec![(200, Some(schema::<audit::ShownPage>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/audit/export", id: "exportAudit", query: AUDIT_EXPORT, pages: true,
            summary: "The same as a file, as `jsonl` or `csv`",
            body: None, answers: vec![(200, None)] },
        Operation { method: "GET", path: "/orgs/{org}/statistics", id: "showStatistics", query: STATISTICS, pages: false,
            summary: "What was installed and downloaded of an organisation's packages, in a period",
            body: None, answers: vec![(200, Some(schema::<statistics::ShownSeries>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/statistics/packages", id: "listTopPackages", query: TOP_PACKAGES, pages: false,
            summary: "The packages of which most was installed in a period",
            body: None, answers: vec![(200, Some(schema::<statistics::ShownTop>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/packages/{vendor}/{name}/statistics", id: "showPackageStatistics", query: STATISTICS, pages: false,
            summary: "What was installed and downloaded of a package, in a period",
            body: None, answers: vec![(200, Some(schema::<statistics::ShownSeries>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/customers/{id}/statistics", id: "showCustomerStatistics", query: PERIOD, pages: false,
            summary: "What a customer installed and downloaded, and when it was last seen",
            body: None, answers: vec![(200, Some(schema::<statistics::ShownCustomer>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/repositories", id: "listRepositories", query: &[], pages: false,
            summary: "Lists repositories",
            body: None, answers: vec![(200, Some(list("repositories", &schema::<repositories::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/repositories", id: "createRepository", query: &[], pages: false,
            summary: "Makes a repository",
            body: Some(schema::<repositories::NewRepository>(body)), answers: vec![(201, Some(schema::<repositories::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/repositories/{repo}", id: "showRepository", query: &[], pages: false,
            summary: "Shows a repository",
            body: None, answers: vec![(200, Some(schema::<repositories::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/repositories/{repo}", id: "updateRepository", query: &[], pages: false,
            summary: "Changes a repository",
            body: Some(schema::<repositories::AskedChange>(body)), answers: vec![(200, Some(schema::<repositories::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/repositories/{repo}/revisions", id: "listRevisions", query: &[], pages: true,
            summary: "Lists revisions, newest first",
            body: None, answers: vec![(200, Some(page("revisions", &schema::<repositories::ShownRevision>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/identity-providers", id: "listIdentityProviders", query: &[], pages: false,
            summary: "Lists the identity providers of an organisation",
            body: None, answers: vec![(200, Some(schema::<sign_in::ShownProviders>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/identity-providers", id: "createIdentityProvider", query: &[], pages: false,
            summary: "Sets an identity provider up, after its description was read",
            body: Some(schema::<sign_in::AskedProvider>(body)), answers: vec![(201, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/identity-providers/{slug}", id: "showIdentityProvider", query: &[], pages: false,
            summary: "Shows an identity provider, without its secret",
            body: None, answers: vec![(200, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/identity-providers/{slug}", id: "updateIdentityProvider", query: &[], pages: false,
            summary: "Changes an identity provider",
            body: Some(schema::<sign_in::ProviderChange>(body)), answers: vec![(200, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/identity-providers/{slug}", id: "removeIdentityProvider", query: &[], pages: false,
            summary: "Removes an identity provider, with the identities that people have there",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/identity-providers", id: "listOwnIdentityProviders", query: &[], pages: false,
            summary: "Lists the identity providers of the instance",
            body: None, answers: vec![(200, Some(schema::<sign_in::ShownProviders>(answer)))] },
        Operation { method: "POST", path: "/identity-providers", id: "createOwnIdentityProvider", query: &[], pages: false,
            summary: "Sets an identity provider up for the instance",
            body: Some(schema::<sign_in::AskedProvider>(body)), answers: vec![(201, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "GET", path: "/identity-providers/{slug}", id: "showOwnIdentityProvider", query: &[], pages: false,
            summary: "Shows an identity provider of the instance, without its secret",
            body: None, answers: vec![(200, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "PATCH", path: "/identity-providers/{slug}", id: "updateOwnIdentityProvider", query: &[], pages: false,
            summary: "Changes an identity provider of the instance",
            body: Some(schema::<sign_in::ProviderChange>(body)), answers: vec![(200, Some(schema::<sign_in::ShownProvider>(answer)))] },
        Operation { method: "DELETE", path: "/identity-providers/{slug}", id: "removeOwnIdentityProvider", query: &[], pages: false,
            summary: "Removes an identity provider of the instance",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/sign-in-rules", id: "showSignInRules", query: &[], pages: false,
            summary: "Shows what an organisation wants of those who sign in",
            body: None, answers: vec![(200, Some(schema::<sign_in::ShownRules>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/sign-in-rules", id: "updateSignInRules", query: &[], pages: false,
            summary: "Changes what an organisation wants of those who sign in",
            body: Some(schema::<sign_in::RulesChange>(body)), answers: vec![(200, Some(schema::<sign_in::ShownRules>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/repositories/{repo}/rollback", id: "rollBackRepository", query: &[], pages: false,
            summary: "Has a repository show again what it was at an earlier revision",
            body: Some(schema::<repositories::AskedRollback>(body)), answers: vec![(200, Some(schema::<repositories::RolledBack>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/hosts", id: "listHosts", query: &[], pages: true,
            summary: "Lists host names",
            body: None, answers: vec![(200, Some(page("hosts", &schema::<hosts::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/hosts", id: "claimHost", query: &[], pages: false,
            summary: "Claims a host name, and says what to set in the DNS and at the platform",
            body: Some(schema::<hosts::NewHost>(body)), answers: vec![(201, Some(schema::<hosts::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/hosts/{host}", id: "showHost", query: &[], pages: false,
            summary: "Shows a host name",
            body: None, answers: vec![(200, Some(schema::<hosts::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/hosts/{host}", id: "updateHost", query: &[], pages: false,
            summary: "Makes a host name the one that documents carry, or not",
            body: Some(schema::<hosts::HostChange>(body)), answers: vec![(200, Some(schema::<hosts::Shown>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/hosts/{host}", id: "removeHost", query: &[], pages: false,
            summary: "Gives a host name up",
            body: None, answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/hosts/{host}/verify", id: "verifyHost", query: &[], pages: false,
            summary: "Looks for the TXT record of a host name now",
            body: None, answers: vec![(200, Some(schema::<hosts::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/customers", id: "listCustomers", query: &[], pages: true,
            summary: "Lists customers by name",
            body: None, answers: vec![(200, Some(schema::<customers::Customers>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/customers", id: "createCustomer", query: &[], pages: false,
            summary: "Makes a customer",
            body: Some(schema::<customers::CustomerInput>(body)), answers: vec![(201, Some(schema::<customers::Customer>(answer)))] },
        Operation { method: "PUT", path: "/orgs/{org}/customers/bulk", id: "putCustomers", query: &[], pages: false,
            summary: "Makes and changes customers until they are as a list has them",
            body: Some(schema::<customers::asked::CustomerList>(body)), answers: vec![(200, Some(schema::<customers::BulkResult>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/customers/{id}", id: "showCustomer", query: &[], pages: false,
            summary: "Shows a customer",
            body: None, answers: vec![(200, Some(schema::<customers::Customer>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/customers/{id}", id: "updateCustomer", query: &[], pages: false,
            summary: "Changes a customer",
            body: Some(change_of::<customers::CustomerInput>(body)), answers: vec![(200, Some(schema::<customers::Customer>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/customers/{id}", id: "removeCustomer", query: &[], pages: false,
            summary: "Removes a customer; its name is typed again as `confirm`",
            body: Some(schema::<confirmation::Confirmed>(body)), answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/customers/{id}/tokens", id: "listCustomerTokens", query: &[], pages: false,
            summary: "Lists the tokens of a customer",
            body: None, answers: vec![(200, Some(schema::<customers::CustomerTokens>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/customers/{id}/tokens", id: "createCustomerToken", query: &[], pages: false,
            summary: "Makes a token of a customer, and shows it once",
            body: Some(schema::<customers::CustomerTokenInput>(body)), answers: vec![(201, Some(schema::<customers::NewCustomerToken>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/customers/{id}/tokens/{token}", id: "showCustomerToken", query: &[], pages: false,
            summary: "Shows a token of a customer",
            body: None, answers: vec![(200, Some(schema::<customers::CustomerToken>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/customers/{id}/tokens/{token}", id: "revokeCustomerToken", query: &[], pages: false,
            summary: "Revokes a token of a customer",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/collections", id: "listCollections", query: &[], pages: true,
            summary: "Lists collections by name",
            body: None, answers: vec![(200, Some(schema::<customers::Collections>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/collections", id: "createCollection", query: &[], pages: false,
            summary: "Makes a collection",
            body: Some(schema::<customers::CollectionInput>(body)), answers: vec![(201, Some(schema::<customers::Collection>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/collections/{id}", id: "showCollection", query: &[], pages: false,
            summary: "Shows a collection",
            body: None, answers: vec![(200, Some(schema::<customers::Collection>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/collections/{id}", id: "updateCollection", query: &[], pages: false,
            summary: "Changes a collection",
            body: Some(change_of::<customers::CollectionInput>(body)), answers: vec![(200, Some(schema::<customers::Collection>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/collections/{id}", id: "removeCollection", query: &[], pages: false,
            summary: "Removes a collection",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/grants", id: "listGrants", query: &[], pages: true,
            summary: "Lists grants, the oldest first",
            body: None, answers: vec![(200, Some(schema::<customers::Grants>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/grants", id: "createGrant", query: &[], pages: false,
            summary: "Makes a grant",
            body: Some(schema::<customers::GrantInput>(body)), answers: vec![(201, Some(schema::<customers::Grant>(answer)))] },
        Operation { method: "PUT", path: "/orgs/{org}/grants/bulk", id: "putGrants", query: &[], pages: false,
            summary: "Makes and changes grants until they are as a list has them",
            body: Some(schema::<customers::asked::GrantList>(body)), answers: vec![(200, Some(schema::<customers::BulkResult>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/grants/{id}", id: "showGrant", query: &[], pages: false,
            summary: "Shows a grant",
            body: None, answers: vec![(200, Some(schema::<customers::Grant>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/grants/{id}", id: "updateGrant", query: &[], pages: false,
            summary: "Changes a grant",
            body: Some(schema::<customers::GrantInput>(body)), answers: vec![(200, Some(schema::<customers::Grant>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/grants/{id}", id: "removeGrant", query: &[], pages: false,
            summary: "Takes a grant back",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/effective-access", id: "explainAccess", query: &[], pages: true,
            summary: "Tells who sees what, and why not the rest",
            body: None, answers: vec![(200, Some(schema::<customers::EffectiveAccess>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/effective-access/dry-run", id: "tryOutAccess", query: &[], pages: true,
            summary: "Tells what a change would give and take",
            body: Some(schema::<customers::DryRunOf>(body)), answers: vec![(200, Some(schema::<customers::DryRun>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/tokens", id: "listTokens", query: &[("kind", "`machine`, `personal` or `customer`"), ("state", "`active`, `expired` or `revoked`"), ("person", "Of this account"), ("customer", "Of this customer")], pages: true,
            summary: "Lists tokens, newest first",
            body: None, answers: vec![(200, Some(schema::<tokens::ShownPage>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/tokens", id: "createToken", query: &[], pages: false,
            summary: "Makes a token, and shows it once",
            body: Some(schema::<tokens::AskedToken>(body)), answers: vec![(201, Some(schema::<tokens::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/tokens/{id}", id: "showToken", query: &[], pages: false,
            summary: "Shows a token",
            body: None, answers: vec![(200, Some(schema::<tokens::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/tokens/{id}", id: "updateToken", query: &[], pages: false,
            summary: "Changes what a token is called and limited to",
            body: Some(schema::<tokens::AskedChange>(body)), answers: vec![(200, Some(schema::<tokens::Shown>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/tokens/{id}", id: "revokeToken", query: &[], pages: false,
            summary: "Revokes a token",
            body: None, answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/tokens/{id}/rotate", id: "rotateToken", query: &[], pages: false,
            summary: "Puts a new token in its place, which goes on for some hours",
            body: Some(schema::<tokens::AskedRotation>(body)), answers: vec![(201, Some(schema::<tokens::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/tokens/{id}/abilities", id: "showTokenAbilities", query: &[], pages: false,
            summary: "Says what a token can do",
            body: None, answers: vec![(200, Some(schema::<tokens::ShownAbilities>(answer)))] },
        Operation { method: "GET", path: "/token", id: "showOwnToken", query: &[], pages: false,
            summary: "Says who calls, and what the token can do",
            body: None, answers: vec![(200, Some(schema::<tokens::ShownOwn>(answer)))] },
        Operation { method: "GET", path: "/invitation", id: "readInvitation", query: &[], pages: false,
            summary: "Shows the invitation that is sent as the token",
            body: None, answers: vec![(200, Some(schema::<people::ShownInvitation>(answer)))] },
        Operation { method: "POST", path: "/invitations/accept", id: "acceptInvitation", query: &[], pages: false,
            summary: "Takes an invitation, and shows a token of one's own once",
            body: Some(schema::<people::Acceptance>(body)), answers: vec![(201, Some(schema::<people::ShownAcceptance>(answer)))] },
        Operation { method: "GET", path: "/me", id: "showMe", query: &[], pages: false,
            summary: "The person whose token is used, in the organisation of the token",
            body: None, answers: vec![(200, Some(schema::<people::ShownOwn>(answer)))] },
        Operation { method: "PATCH", path: "/me", id: "updateMe", query: &[], pages: false,
            summary: "Changes what the person whose token is used is called",
            body: Some(schema::<people::AskedOwnChange>(body)), answers: vec![(200, Some(schema::<people::ShownOwn>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/members", id: "listMembers", query: &[], pages: true,
            summary: "Lists the people of the organisation",
            body: None, answers: vec![(200, Some(schema::<people::ShownMembers>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/members/{account}", id: "showMember", query: &[], pages: false,
            summary: "Shows a person",
            body: None, answers: vec![(200, Some(schema::<people::ShownMember>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/members/{account}", id: "updateMember", query: &[], pages: false,
            summary: "Changes the role of a person, or suspends her",
            body: Some(schema::<people::AskedMemberChange>(body)), answers: vec![(200, Some(schema::<people::ShownMember>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/members/{account}", id: "removeMember", query: &[], pages: false,
            summary: "Removes a person, and revokes her tokens here",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/teams", id: "listTeams", query: &[], pages: true,
            summary: "Lists teams",
            body: None, answers: vec![(200, Some(schema::<people::ShownTeams>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/teams", id: "createTeam", query: &[], pages: false,
            summary: "Makes a team",
            body: Some(schema::<people::AskedTeam>(body)), answers: vec![(201, Some(schema::<people::ShownTeam>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/teams/{id}", id: "showTeam", query: &[], pages: false,
            summary: "Shows a team",
            body: None, answers: vec![(200, Some(schema::<people::ShownTeam>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/teams/{id}", id: "updateTeam", query: &[], pages: false,
            summary: "Changes a team",
            body: Some(schema::<people::AskedTeamChange>(body)), answers: vec![(200, Some(schema::<people::ShownTeam>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/teams/{id}", id: "removeTeam", query: &[], pages: false,
            summary: "Removes a team, with what was granted to it",
            body: None, answers: vec![(204, None)] },
        Operation { method: "PUT", path: "/orgs/{org}/teams/{id}/members/{account}", id: "addToTeam", query: &[], pages: false,
            summary: "Takes somebody into a team",
            body: None, answers: vec![(204, None)] },
        Operation { method: "DELETE", path: "/orgs/{org}/teams/{id}/members/{account}", id: "removeFromTeam", query: &[], pages: false,
            summary: "Takes somebody out of a team",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/invitations", id: "listInvitations", query: &[], pages: true,
            summary: "Lists invitations",
            body: None, answers: vec![(200, Some(schema::<people::ShownInvitations>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/invitations", id: "invite", query: &[], pages: false,
            summary: "Invites somebody; the link is shown once",
            body: Some(schema::<people::AskedInvitation>(body)), answers: vec![(201, Some(schema::<people::ShownSentInvitation>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/invitations/{id}", id: "showInvitation", query: &[], pages: false,
            summary: "Shows an invitation",
            body: None, answers: vec![(200, Some(schema::<people::ShownSentInvitation>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/invitations/{id}", id: "revokeInvitation", query: &[], pages: false,
            summary: "Takes an invitation back",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/tokens", id: "listOwnerTokens", query: &[], pages: false,
            summary: "Lists the tokens of the instance's owner; for the owner alone",
            body: None, answers: vec![(200, Some(schema::<tokens::ShownOwnersList>(answer)))] },
        Operation { method: "POST", path: "/tokens", id: "createOwnerToken", query: &[], pages: false,
            summary: "Makes a token for the instance's owner, and shows it once",
            body: Some(schema::<tokens::AskedByOwner>(body)), answers: vec![(201, Some(schema::<tokens::ShownOwners>(answer)))] },
        Operation { method: "DELETE", path: "/tokens/{id}", id: "revokeOwnerToken", query: &[], pages: false,
            summary: "Revokes one of them, but for the one that is used",
            body: None, answers: vec![(204, None)] },
        Operation { method: "PUT", path: "/orgs/{org}/repositories/{repo}/packages/{vendor}/{name}", id: "putPackageIntoRepository", query: &[], pages: false,
            summary: "Puts a package into a repository as well",
            body: None, answers: vec![(200, Some(schema::<versions::Memberships>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/repositories/{repo}/packages/{vendor}/{name}", id: "takePackageOutOfRepository", query: &[], pages: false,
            summary: "Takes a package out of a repository",
            body: None, answers: vec![(200, Some(schema::<versions::Memberships>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}", id: "showVersion", query: &[], pages: false,
            summary: "Shows a version",
            body: None, answers: vec![(200, Some(json!({ "anyOf": [schema::<packages::ShownVersion>(answer), schema::<browse::ShownVersion>(answer)] })))] },
        Operation { method: "DELETE", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}", id: "deleteVersion", query: &[], pages: false,
            summary: "Deletes a version for ever, with its archive; for owners",
            body: Some(schema::<confirmation::Confirmed>(body)), answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/yank", id: "yankVersion", query: &[], pages: false,
            summary: "Takes a version out of the metadata; lock files still install it",
            body: None, answers: vec![(200, Some(schema::<packages::ShownVersion>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/yank", id: "unyankVersion", query: &[], pages: false,
            summary: "Puts it back",
            body: None, answers: vec![(200, Some(schema::<packages::ShownVersion>(answer)))] },
        Operation { method: "PUT", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/deprecation", id: "deprecateVersion", query: &[], pages: false,
            summary: "Says what people read who use a version",
            body: Some(schema::<versions::Deprecation>(body)), answers: vec![(200, Some(schema::<packages::ShownVersion>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/deprecation", id: "undeprecateVersion", query: &[], pages: false,
            summary: "Takes that back",
            body: None, answers: vec![(200, Some(schema::<packages::ShownVersion>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/packages/{vendor}/{name}/versions/{version}/restore", id: "restoreVersion", query: &[], pages: false,
            summary: "Lets the number of a deleted version be published again",
            body: None, answers: vec![(202, Some(schema::<versions::Restored>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}", id: "deleteOrganisation", query: &[], pages: false,
            summary: "Begins to delete a suspended organisation with all that it has; for the owner of the instance",
            body: Some(schema::<confirmation::Confirmed>(body)), answers: vec![(202, Some(schema::<deletions::BeingDeleted>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/repositories/{repo}", id: "deleteRepository", query: &[], pages: false,
            summary: "Deletes a repository with its past; for owners",
            body: Some(schema::<confirmation::Confirmed>(body)), answers: vec![(204, None)] },
        Operation { method: "DELETE", path: "/orgs/{org}/packages/{vendor}/{name}", id: "deletePackage", query: &[], pages: false,
            summary: "Deletes a package for ever, with its archives; for owners",
            body: Some(schema::<confirmation::Confirmed>(body)), answers: vec![(204, None)] },
        Operation { method: "DELETE", path: "/orgs/{org}/connections/{id}", id: "deleteConnection", query: &[], pages: false,
            summary: "Deletes a connection, its webhooks and its secrets; for owners",
            body: Some(schema::<deletions::ConnectionDeletion>(body)), answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/connections/{id}/webhook-secret", id: "rotateWebhookSecret", query: &[], pages: false,
            summary: "Gives the webhooks of a connection another secret, and shows it once",
            body: Some(schema::<webhook_secrets::Rotation>(body)), answers: vec![(200, Some(schema::<webhook_secrets::Rotated>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/connections/{id}/webhook-secret/old", id: "endOldWebhookSecret", query: &[], pages: false,
            summary: "Accepts the secret of before no more",
            body: None, answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/github-apps/{id}/webhook-secret", id: "rotateGitHubAppWebhookSecret", query: &[], pages: false,
            summary: "Gives the webhook of a GitHub App another secret, and shows it once",
            body: Some(schema::<webhook_secrets::Rotation>(body)), answers: vec![(200, Some(schema::<webhook_secrets::Rotated>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/github-apps/{id}/webhook-secret/old", id: "endOldGitHubAppWebhookSecret", query: &[], pages: false,
            summary: "Accepts the secret of before no more",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/connections", id: "listConnections", query: &[], pages: false,
            summary: "Lists connections to git hosts",
            body: None, answers: vec![(200, Some(list("connections", &schema::<connections::ShownConnection>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/connections", id: "createConnection", query: &[], pages: false,
            summary: "Connects a git host, after the token was tried",
            body: Some(schema::<connections::Asked>(body)), answers: vec![(201, Some(schema::<connections::ShownConnection>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/connections/{id}", id: "showConnection", query: &[], pages: false,
            summary: "Shows a connection",
            body: None, answers: vec![(200, Some(schema::<connections::ShownConnection>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/connections/{id}", id: "updateConnection", query: &[], pages: false,
            summary: "Changes a connection",
            body: Some(schema::<connections::AskedChange>(body)), answers: vec![(200, Some(schema::<connections::ShownConnection>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/connections/{id}/projects", id: "listHostProjects", query: &[("search", "A part of the name"), ("cursor", "`next` of the page before")], pages: false,
            summary: "Lists what a connection reaches",
            body: None, answers: vec![(200, Some(page("projects", &schema::<projects::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/connections/{id}/imports/preview", id: "previewImport", query: &[], pages: false,
            summary: "Says what an import would do",
            body: Some(schema::<projects::Asked>(body)), answers: vec![(200, Some(page("projects", &schema::<projects::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/connections/{id}/imports", id: "startImport", query: &[], pages: false,
            summary: "Imports many projects",
            body: Some(schema::<imports::Asked>(body)), answers: vec![(202, Some(wrapped("import", &schema::<imports::Shown>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/imports", id: "listImports", query: &[], pages: true,
            summary: "Lists imports, newest first",
            body: None, answers: vec![(200, Some(page("imports", &schema::<imports::Shown>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/imports/{id}", id: "showImport", query: &[("state", "Projects in this state only")], pages: true,
            summary: "Shows an import with a page of its projects",
            body: None, answers: vec![(200, Some(schema::<imports::Shown>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/imports/{id}/cancel", id: "cancelImport", query: &[], pages: false,
            summary: "Leaves what an import has not come to",
            body: None, answers: vec![(200, Some(schema::<imports::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/github-apps", id: "listGitHubApps", query: &[], pages: false,
            summary: "Lists GitHub Apps",
            body: None, answers: vec![(200, Some(list("github_apps", &schema::<github_apps::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/github-apps", id: "createGitHubApp", query: &[], pages: false,
            summary: "Takes a GitHub App in, after its key was tried",
            body: Some(schema::<github_apps::Asked>(body)), answers: vec![(201, Some(schema::<github_apps::Shown>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/github-apps/{id}", id: "showGitHubApp", query: &[], pages: false,
            summary: "Shows a GitHub App",
            body: None, answers: vec![(200, Some(schema::<github_apps::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/github-apps/{id}", id: "updateGitHubApp", query: &[], pages: false,
            summary: "Changes a GitHub App",
            body: Some(schema::<github_apps::Asked>(body)), answers: vec![(200, Some(schema::<github_apps::Shown>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/github-apps/{id}", id: "removeGitHubApp", query: &[], pages: false,
            summary: "Removes a GitHub App that no connection is made by",
            body: None, answers: vec![(204, None)] },
        Operation { method: "GET", path: "/orgs/{org}/github-apps/{id}/installations", id: "listInstallations", query: &[], pages: false,
            summary: "Lists where an app is installed",
            body: None, answers: vec![(200, Some(list("installations", &schema::<github_apps::ShownInstallation>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/github-apps/{id}/deliveries", id: "listGitHubAppDeliveries", query: &[], pages: false,
            summary: "Lists the newest deliveries at an app's address",
            body: None, answers: vec![(200, Some(list("deliveries", &schema::<github_apps::ShownDelivery>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/packages", id: "listPackages", query: &[("filter", "A pattern that the whole name fits: `acme/*`"), ("repository", "In this repository only, by slug"), ("search", "Words of names, descriptions and keywords")], pages: true,
            summary: "Lists packages by name, those that the caller sees",
            body: None, answers: vec![(200, Some(page("packages", &schema::<packages::Summary>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/packages", id: "createPackage", query: &[], pages: false,
            summary: "Imports a project",
            body: Some(schema::<packages::Asked>(body)), answers: vec![(202, Some(json!({ "anyOf": [schema::<packages::Imported>(answer), schema::<monorepos::Imported>(answer)] })))] },
        Operation { method: "GET", path: "/orgs/{org}/packages/{vendor}/{name}", id: "showPackage", query: &[], pages: false,
            summary: "Shows a package with its versions and refs",
            body: None, answers: vec![(200, Some(json!({ "anyOf": [schema::<packages::Shown>(answer), schema::<browse::Shown>(answer)] })))] },
        Operation { method: "PATCH", path: "/orgs/{org}/packages/{vendor}/{name}", id: "updatePackage", query: &[], pages: false,
            summary: "Changes the settings of a package",
            body: Some(schema::<package_settings::PackageChange>(body)), answers: vec![(200, Some(schema::<package_settings::Changed>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/packages/{vendor}/{name}/definition", id: "showDefinition", query: &[], pages: false,
            summary: "Shows the definition of a package",
            body: None, answers: vec![(200, Some(schema::<definitions::Shown>(answer)))] },
        Operation { method: "PUT", path: "/orgs/{org}/packages/{vendor}/{name}/definition", id: "putDefinition", query: &[], pages: false,
            summary: "Makes these the versions of a package",
            body: Some(schema::<definitions::Asked>(body)), answers: vec![(200, Some(schema::<definitions::Shown>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/packages/{vendor}/{name}/archives", id: "uploadArchive", query: &[], pages: false,
            summary: "Takes in an archive for a definition",
            body: Some(json!({})), answers: vec![(201, Some(schema::<ShownArchive>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/packages/{vendor}/{name}/sync", id: "syncPackage", query: &[], pages: false,
            summary: "Compares a package with its git repository now",
            body: None, answers: vec![(202, Some(schema::<shown::Started>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/packages/{vendor}/{name}/hook", id: "showHook", query: &[], pages: false,
            summary: "Shows the webhook of a package's project",
            body: None, answers: vec![(200, Some(wrapped("hook", &schema::<hooks::Shown>(answer))))] },
        Operation { method: "POST", path: "/orgs/{org}/packages/{vendor}/{name}/hook", id: "registerHook", query: &[], pages: false,
            summary: "Registers the webhook of a package's project",
            body: None, answers: vec![(200, Some(wrapped("hook", &schema::<hooks::Shown>(answer))))] },
        Operation { method: "DELETE", path: "/orgs/{org}/packages/{vendor}/{name}/hook", id: "removeHook", query: &[], pages: false,
            summary: "Removes the webhook at the host",
            body: None, answers: vec![(200, Some(wrapped("hook", &schema::<hooks::Shown>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/projects", id: "listProjects", query: &[], pages: true,
            summary: "Lists the projects whose folders are packages",
            body: None, answers: vec![(200, Some(page("projects", &schema::<monorepos::Summary>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/projects/{number}", id: "showProject", query: &[], pages: false,
            summary: "Shows a project, its packages and its refs",
            body: None, answers: vec![(200, Some(schema::<monorepos::Shown>(answer)))] },
        Operation { method: "PATCH", path: "/orgs/{org}/projects/{number}", id: "updateProject", query: &[], pages: false,
            summary: "Changes which folders of a project are packages",
            body: Some(schema::<monorepos::Wanted>(body)), answers: vec![(200, Some(schema::<monorepos::Changed>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/jobs", id: "listJobs", query: &[], pages: true,
            summary: "Lists jobs, newest first",
            body: None, answers: vec![(200, Some(page("jobs", &schema::<jobs::ShownJob>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/jobs/{id}", id: "showJob", query: &[], pages: false,
            summary: "Shows a job with its refs",
            body: None, answers: vec![(200, Some(schema::<jobs::ShownJob>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/jobs/{id}/cancel", id: "cancelJob", query: &[], pages: false,
            summary: "Leaves what a job has not begun",
            body: None, answers: vec![(200, Some(schema::<jobs::ShownJob>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/jobs/{id}/retry", id: "retryJob", query: &[], pages: false,
            summary: "Begins a failed or cancelled job anew",
            body: None, answers: vec![(200, Some(schema::<jobs::ShownJob>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/deliveries", id: "listDeliveries", query: &[("connection", "Of this connection only")], pages: true,
            summary: "Lists webhooks that were delivered, newest first",
            body: None, answers: vec![(200, Some(page("deliveries", &schema::<deliveries::Shown>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/deliveries/{id}", id: "showDelivery", query: &[], pages: false,
            summary: "Shows a delivery",
            body: None, answers: vec![(200, Some(schema::<deliveries::Shown>(answer)))] },
        Operation { method: "POST", path: "/orgs/{org}/deliveries/{id}/replay", id: "replayDelivery", query: &[], pages: false,
            summary: "Looks again at what a delivery was about",
            body: None, answers: vec![(202, Some(schema::<deliveries::Replayed>(answer)))] },
        Operation { method: "GET", path: "/orgs/{org}/dead-letters", id: "listDeadLetters", query: &[], pages: true,
            summary: "Lists messages that the queue gave up on, newest first",
            body: None, answers: vec![(200, Some(page("dead_letters", &schema::<jobs::ShownLetter>(answer))))] },
        Operation { method: "GET", path: "/orgs/{org}/dead-letters/{id}", id: "showDeadLetter", query: &[], pages: false,
            summary: "Shows a dead letter",
            body: None, answers: vec![(200, Some(schema::<jobs::ShownLetter>(answer)))] },
        Operation { method: "DELETE", path: "/orgs/{org}/dead-letters/{id}", id: "dropDeadLetter", query: &[], pages: false,
            summary: "Drops a dead letter",
            body: None, answers: vec![(204, None)] },
        Operation { method: "POST", path: "/orgs/{org}/dead-letters/{id}/retry", id: "retryDeadLetter", query: &[], pages: false,
            summary: "Sends a dead letter once more",
            body: None, answers: vec![(204, None)] },
    ]
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// What a change may hold that is laid over what there is and read as a whole: the same fields, none of which is needed.
fn change_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let mut whole = generator.root_schema_for::<T>().to_value();
    if let Some(fields) = whole.as_object_mut() {
        for name in ["required", "title", "components", "$schema"] {
            fields.remove(name);
        }
    }
    whole
}
