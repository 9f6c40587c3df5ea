//! Somebody with a token or without, and what they are answered.

use std::pin::pin;
use std::rc::Rc;

use pollster::block_on;
use repertoire::app::App;
use repertoire::http::{Body, Reply, Request, handle, observe};
use repertoire::ports::Buffered;
use serde_json::{Value, json};

use super::ADDRESS;
use super::github::git_archive;

pub(crate) struct Persona<'a> {
    app: &'a App,
    pub(crate) token: Option<String>,
    origin: String,
}

impl<'a> Persona<'a> {
    pub(crate) fn new(app: &'a App, token: Option<&str>) -> Self {
        Self {
            app,
            token: token.map(str::to_owned),
            origin: ADDRESS.to_owned(),
        }
    }

    /// The same somebody, who asks another host.
    pub(crate) fn at(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new())
    }

    pub(crate) fn get_with(&self, path: &str, name: &'static str, value: &str) -> Answer {
        self.send("GET", path, &[(name, value.to_owned())], Vec::new())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body.to_string().into_bytes())
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], body.to_string().into_bytes())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Answer {
        let request = self.request(method, path, headers, body);
        let answering = pin!(async {
            let reply = handle(self.app, request).await;
            let status = reply.status;
            (reply, Some(status))
        });
        let reply = block_on(observe(self.app, method, answering));
        Answer::new(self.app, reply)
    }

    /// Uploads a version of a package into `main`, with `text` in it.
    pub(crate) fn upload(&self, package: &str, version: &str, text: &str) -> Answer {
        let manifest = json!({"name": package}).to_string();
        let archive = git_archive("top", "", &[("composer.json", &manifest), ("text", text)]);
        let path = format!("/r/acme/main/upload/{package}/{version}");
        self.send("PUT", &path, &[], archive)
    }

    /// The request as the edge hands it over.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        Request {
            method: method.to_owned(),
            origin: self.origin.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Box::new(headers),
            body: Box::new(Buffered::new(body)),
        }
    }
}

/// An answer, with its body read as the edge streams it.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    blobs: Rc<dyn repertoire::ports::Blobs>,
}

impl Answer {
    pub(crate) fn new(app: &App, reply: Reply) -> Self {
        Self {
            reply,
            blobs: Rc::clone(&app.blobs),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.reply.status
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        let body = match &self.reply.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(self.reply.status, status, "{body}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.reply.headers.iter();
        headers
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let read = |key: &str| block_on(self.blobs.get(key)).unwrap().unwrap();
        match &self.reply.body {
            Body::Empty => Vec::new(),
            Body::Bytes(bytes) => bytes.clone(),
            Body::Document(hash) => read(&hash.blob_key()),
            Body::Archive {
                key, range: None, ..
            } => read(key),
            Body::Archive {
                key,
                range: Some((offset, length)),
                ..
            } => block_on(self.blobs.get_range(key, *offset, *length))
                .unwrap()
                .unwrap(),
            Body::Asset(file) => super::browser::asset(file),
            Body::Elsewhere => unreachable!("this program has the API"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).unwrap()
    }

    /// Status, headers and body as one text, for golden files.
    pub(crate) fn transcript(&self) -> String {
        let headers: Vec<_> = self
            .reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let body = String::from_utf8(self.bytes()).unwrap();
        format!("{}\n{}\n{body}", self.reply.status, headers.concat())
    }
}
