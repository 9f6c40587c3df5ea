//! The command line: the built program at a terminal of its own, with the real registry behind a real socket.

mod areas;
mod calls;
mod sign_in;
mod watching;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tiny_http::{Header, Request, Response, Server};

use crate::support::{ADMIN, TestRegistry};

/// An answer that somebody between the client and the registry gives.
type Canned = (u16, Vec<(&'static str, String)>, String);

/// Is told `method path` of each request before it is answered.
type Meanwhile<'a> = Box<dyn FnMut(&str) + 'a>;

/// A person at a terminal, and what is between her and the registry.
struct Terminal<'a> {
    registry: &'a TestRegistry,
    server: Arc<Server>,
    /// Where her settings are.
    folder: PathBuf,
    token: Option<String>,
    /// Given in place of the registry's own answers, to the next requests.
    canned: RefCell<VecDeque<Canned>>,
    /// `method path`, the key and the entity tag of each request.
    asked: RefCell<Vec<Asked>>,
    /// What happens before a request is answered: somebody else is at work, or the queue.
    meanwhile: RefCell<Meanwhile<'a>>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    line: String,
    key: Option<String>,
    tag: Option<String>,
}

/// What a command came to.
#[derive(Debug)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Outcome {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    #[track_caller]
    fn assert_says(&self, words: &[&str]) {
        for word in words {
            assert!(self.out.contains(word), "no `{word}` in\n{}", self.out);
        }
    }
}

impl<'a> Terminal<'a> {
    /// Who uses the owner's token, about the organisation `acme`.
    fn of_owner(registry: &'a TestRegistry) -> Self {
        Self::new(registry, Some(ADMIN))
    }

    fn new(registry: &'a TestRegistry, token: Option<&str>) -> Self {
        static TERMINALS: AtomicU32 = AtomicU32::new(0);
        let number = TERMINALS.fetch_add(1, Ordering::Relaxed);
        let folder = format!("cli-{}-{number}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            registry,
            server: Arc::new(Server::http("127.0.0.1:0").unwrap()),
            folder,
            token: token.map(str::to_owned),
            canned: RefCell::default(),
            asked: RefCell::default(),
            meanwhile: RefCell::new(Box::new(|_| {})),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.server_addr())
    }

    /// A file of hers.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.type_in(arguments, "")
    }

    /// Runs a command that must succeed, and reads what it prints as JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.run(&all).expect(0).json()
    }

    /// Runs a command with this on its standard input, and answers what it asks until it ends.
    fn type_in(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repertoire"));
        command.args(arguments).env_clear();
        command.env("REPERTOIRE_CONFIG_DIR", &self.folder);
        if let Some(token) = &self.token {
            command.env("REPERTOIRE_URL", self.url());
            command.env("REPERTOIRE_TOKEN", token);
            command.env("REPERTOIRE_ORG", "acme");
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let server = Arc::clone(&self.server);
        let ended = std::thread::spawn(move || {
            // Who reads no input has closed it.
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            let output = child.wait_with_output();
            server.unblock();
            output.unwrap()
        });
        while let Ok(request) = self.server.recv() {
            self.answer(request);
        }
        let output = ended.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn answer(&self, mut request: Request) {
        let header = |name: &str| {
            let mut headers = request.headers().iter();
            let found =
                headers.find(|header| header.field.as_str().as_str().eq_ignore_ascii_case(name));
            found.map(|header| header.value.to_string())
        };
        let line = format!("{} {}", request.method(), request.url());
        self.asked.borrow_mut().push(Asked {
            line: line.clone(),
            key: header("idempotency-key"),
            tag: header("if-match"),
        });
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|header| {
                (
                    header.field.to_string().to_lowercase(),
                    header.value.to_string(),
                )
            })
            .collect();
        let mut body = Vec::new();
        request.as_reader().read_to_end(&mut body).unwrap();
        (self.meanwhile.borrow_mut())(&line);
        let canned = self.canned.borrow_mut().pop_front();
        let (status, headers, body) = if let Some((status, headers, body)) = canned {
            (status, headers, body.into_bytes())
        } else {
            let named: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            let (method, path) = (request.method().to_string(), request.url().to_owned());
            let answer = (self.registry.anonymous()).send(&method, &path, &named, body);
            let bytes = answer.bytes();
            (answer.status(), answer.reply.headers, bytes)
        };
        let mut response = Response::from_data(body).with_status_code(status);
        for (name, value) in headers {
            response.add_header(Header::from_bytes(name, value).unwrap());
        }
        // Who went away meanwhile is told nothing.
        let _ = request.respond(response);
    }

    /// What was asked by the last command, or by all since this was called.
    fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.borrow_mut())
    }

    fn lines_asked(&self) -> Vec<String> {
        self.take_asked()
            .into_iter()
            .map(|asked| asked.line)
            .collect()
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
