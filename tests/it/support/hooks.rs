//! The webhooks of all hosts' doubles: registered, changed and removed by their APIs, two on a page.

use repertoire::ports::OutRequest;
use serde_json::{Value, json};

use super::github::Answer;

const PER_PAGE: usize = 2;

/// A registered webhook.
pub(crate) struct RegisteredHook {
    /// `github repositories 41`, `gitlab groups acme`.
    pub(crate) place: String,
    pub(crate) id: u64,
    /// As it was sent.
    pub(crate) body: Value,
}

#[derive(Default)]
pub(crate) struct HookBook {
    pub(crate) all: Vec<RegisteredHook>,
    made: u64,
    /// The status and the body with which every question about hooks is refused.
    pub(crate) refusal: Option<(u16, String)>,
    /// The status and the body with which a new hook is refused.
    pub(crate) full: Option<(u16, String)>,
}

impl HookBook {
    pub(crate) fn add(&mut self, place: &str, body: Value) -> u64 {
        self.made += 1;
        self.all.push(RegisteredHook {
            place: place.to_owned(),
            id: self.made,
            body,
        });
        self.made
    }

    /// The places of the hooks, in order.
    pub(crate) fn places(&self) -> Vec<&str> {
        self.all.iter().map(|hook| hook.place.as_str()).collect()
    }

    pub(super) fn answer(
        &mut self,
        place: &str,
        hook: Option<&str>,
        request: &OutRequest,
    ) -> Answer {
        if let Some((status, body)) = &self.refusal {
            return Answer::new(*status, body.as_str());
        }
        let known = hook.map(|id| {
            let mut all = self.all.iter();
            all.position(|known| known.id.to_string() == id && known.place == place)
        });
        let sent = || serde_json::from_slice::<Value>(&request.body).unwrap();
        match (request.method, known) {
            ("GET", None) => self.list(place, &request.url),
            ("POST", None) => {
                if let Some((status, body)) = &self.full {
                    return Answer::new(*status, body.as_str());
                }
                let id = self.add(place, sent());
                Answer::new(201, json!({ "id": id }).to_string())
            }
            ("PATCH" | "PUT", Some(Some(at))) => {
                let is_gitlab = place.starts_with("gitlab");
                assert_eq!(request.method == "PUT", is_gitlab, "the host's own method");
                self.all[at].body = sent();
                Answer::new(200, json!({ "id": self.all[at].id }).to_string())
            }
            ("DELETE", Some(Some(at))) => {
                self.all.remove(at);
                Answer::new(204, "")
            }
            _ => Answer::new(404, r#"{"message":"Not Found"}"#),
        }
    }

    fn list(&self, place: &str, url: &str) -> Answer {
        let (path, query) = url.split_once('?').unwrap();
        let page = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("page="))
            .map_or(1, |page| page.parse::<usize>().unwrap());
        let all: Vec<_> = self.all.iter().filter(|hook| hook.place == place).collect();
        let shown: Value = all
            .iter()
            .skip((page - 1) * PER_PAGE)
            .take(PER_PAGE)
            .map(|hook| {
                let mut shown = hook.body.clone();
                shown["id"] = hook.id.into();
                // No host shows a secret.
                shown["token"] = Value::Null;
                if shown["config"].is_object() {
                    shown["config"]["secret"] = "********".into();
                }
                shown
            })
            .collect();
        let answer = Answer::new(200, shown.to_string());
        if place.starts_with("forgejo") {
            return answer.with("x-total-count", all.len().to_string());
        }
        if all.len() > page * PER_PAGE {
            let next = format!("<{path}?per_page=100&page={}>; rel=\"next\"", page + 1);
            return answer.with("link", next);
        }
        answer
    }
}
