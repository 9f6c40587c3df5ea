//! A browser: it keeps cookies, follows redirects, and fills in forms by their fields. Every page that it shows is held
//! against what holds for all pages, and at every look storage's batches are counted and the page is weighed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use repertoire::app::App;
use scraper::{ElementRef, Html, Selector};

use super::ADDRESS;
use super::persona::{Answer, Persona};
use super::world::{Effect, Port, World};

/// The database is asked so often for a look at a page, at most, each time for a whole batch.
const MOST_BATCHES: usize = 3;
/// What a page and its files may weigh over the wire, in bytes; one with a README may weigh more.
const MOST_BYTES: usize = 60_000;

/// What bytes weigh over the wire.
fn packed(bytes: &[u8]) -> usize {
    miniz_oxide::deflate::compress_to_vec(bytes, 6).len()
}

/// A file of the pages, as it is in `assets/`, by the name that pages have for it.
pub(crate) fn asset(file: &str) -> Vec<u8> {
    let parts: Vec<_> = file.split('.').collect();
    let [stem, hash, ending] = parts.as_slice() else {
        panic!("`{file}` has no hash in its name");
    };
    assert_eq!(hash.len(), 8, "{file}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    std::fs::read(folder.join(format!("{stem}.{ending}"))).expect(file)
}

pub(crate) struct Browser<'a> {
    app: &'a App,
    world: &'a World,
    pub(crate) cookies: RefCell<BTreeMap<String, String>>,
    /// Further headers of each request.
    pub(crate) headers: RefCell<Vec<(&'static str, String)>>,
    /// Requests so far.
    pub(crate) requests: Cell<usize>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a App, world: &'a World) -> Self {
        Self {
            app,
            world,
            cookies: RefCell::default(),
            headers: RefCell::new(vec![
                ("user-agent", "Test/1.0 (a browser)".to_owned()),
                ("cf-connecting-ip", "203.0.113.7".to_owned()),
            ]),
            requests: Cell::new(0),
        }
    }

    /// Another browser with the same cookies: what somebody does who stole them.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(self.app, self.world);
        copy.cookies.replace(self.cookies.borrow().clone());
        copy
    }

    /// Asks once, follows nothing.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Page {
        self.requests.set(self.requests.get() + 1);
        let mut all = self.headers.borrow().clone();
        all.extend(headers.iter().cloned());
        let cookies = self.cookies.borrow();
        let sent: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        drop(cookies);
        if !sent.is_empty() {
            all.push(("cookie", sent.join("; ")));
        }
        let looks = || self.world.operations(Port::Db, Effect::None);
        let before = looks();
        let answer = Persona::new(self.app, None).send(method, path, &all, body.into());
        self.keep_cookies(&answer);
        let page = Page::of(path, answer);
        if method == "GET" && page.is_html() {
            // Once an hour it is written down that a login is in use; what a sign-in comes to is written.
            let batches = looks() - before;
            assert!(batches <= MOST_BATCHES, "{path}: {batches} batches");
            page.weigh();
        }
        page
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.borrow_mut();
        for (name, value) in &answer.reply.headers {
            if *name != "set-cookie" {
                continue;
            }
            let mut parts = value.split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<_> = parts.collect();
            for needed in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
                assert!(attributes.contains(&needed), "{name}: {attributes:?}");
            }
            assert!(name.starts_with("__Host-"), "{name}");
            if attributes.contains(&"Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn follow(&self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(to) = page.location() else {
                return page;
            };
            assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
            page = self.ask("GET", &to, &[], "");
        }
        panic!("redirects without an end");
    }

    /// Opens an address.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Page {
        self.follow(self.ask("GET", path, &[], ""))
    }

    /// Fills in the form of a page with this action and sends it; follows where that leads.
    #[track_caller]
    pub(crate) fn submit(&self, page: &Page, action: &str, values: &[(&str, &str)]) -> Page {
        self.follow(self.submit_once(page, action, values))
    }

    /// The same, following nothing.
    #[track_caller]
    pub(crate) fn submit_once(&self, page: &Page, action: &str, values: &[(&str, &str)]) -> Page {
        let mut fields = page.fields(action);
        for (name, value) in values {
            let field = fields.iter_mut().find(|(known, _)| known == name);
            let field = field.unwrap_or_else(|| panic!("`{action}` has no field `{name}`"));
            field.1 = (*value).to_owned();
        }
        self.post(action, &fields)
    }

    /// Sends fields.
    pub(crate) fn post(&self, path: &str, fields: &[(String, String)]) -> Page {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let headers = [
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
            ("origin", ADDRESS.to_owned()),
            ("sec-fetch-site", "same-origin".to_owned()),
        ];
        self.ask("POST", path, &headers, &body.join("&"))
    }
}

pub(crate) struct Page {
    /// The address that it is the answer of.
    pub(crate) path: String,
    pub(crate) answer: Answer,
    pub(crate) html: String,
}

impl Page {
    fn of(path: &str, answer: Answer) -> Self {
        let html = String::from_utf8_lossy(&answer.bytes()).into_owned();
        let page = Self {
            path: path.to_owned(),
            answer,
            html,
        };
        if page.is_html() {
            page.check();
        }
        page
    }

    fn is_html(&self) -> bool {
        let kind = self.answer.header("content-type");
        kind.is_some_and(|kind| kind.starts_with("text/html"))
    }

    pub(crate) fn status(&self) -> u16 {
        self.answer.status()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}: {}", self.path, self.text());
        self
    }

    /// Whoever looks does not wait for it.
    #[track_caller]
    fn weigh(&self) {
        let mut bytes = packed(self.html.as_bytes());
        let styles = self.attributes("link[rel=stylesheet]", "href");
        for file in styles.into_iter().chain(self.attributes("script", "src")) {
            bytes += packed(&asset(file.strip_prefix("/assets/").unwrap()));
        }
        let has_texts = !self.all(".prose").is_empty();
        assert!(
            bytes <= MOST_BYTES || has_texts,
            "{}: {bytes} bytes",
            self.path
        );
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<String> {
        (self.status() == 303).then(|| self.answer.header("location").unwrap().to_owned())
    }

    pub(crate) fn dom(&self) -> Html {
        Html::parse_document(&self.html)
    }

    /// All that people read, in one line.
    pub(crate) fn text(&self) -> String {
        let dom = self.dom();
        let words: Vec<_> = dom
            .select(&selector("body"))
            .flat_map(|body| body.text())
            .flat_map(str::split_whitespace)
            .collect();
        words.join(" ")
    }

    /// The texts of the elements that a selector finds.
    pub(crate) fn all(&self, css: &str) -> Vec<String> {
        let dom = self.dom();
        dom.select(&selector(css)).map(text_of).collect()
    }

    /// The text of the one element that a selector finds.
    #[track_caller]
    pub(crate) fn one(&self, css: &str) -> String {
        let found = self.all(css);
        assert_eq!(found.len(), 1, "{}: {css}: {found:?}", self.path);
        found.into_iter().next().unwrap()
    }

    /// An attribute of each element that a selector finds.
    pub(crate) fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let dom = self.dom();
        dom.select(&selector(css))
            .filter_map(|element| element.attr(name))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn heading(&self) -> String {
        self.one("h1")
    }

    /// The fields of the form with this action, with what stands in them.
    #[track_caller]
    pub(crate) fn fields(&self, action: &str) -> Vec<(String, String)> {
        let dom = self.dom();
        let form = dom
            .select(&selector("form[method=post]"))
            .find(|form| form.attr("action") == Some(action))
            .unwrap_or_else(|| panic!("{} has no form for {action}: {}", self.path, self.text()));
        let fields = selector("input, select, textarea, button[name]");
        form.select(&fields)
            .filter(|field| {
                let is_box = matches!(field.attr("type"), Some("checkbox" | "radio"));
                !is_box || field.attr("checked").is_some()
            })
            .map(|field| {
                let name = field.attr("name").unwrap_or_default().to_owned();
                let value = match field.value().name() {
                    "textarea" => field.text().collect::<String>(),
                    "select" => {
                        let chosen = field.select(&selector("option[selected]")).next();
                        let first = field.select(&selector("option")).next();
                        let option = chosen.or(first).and_then(|option| option.attr("value"));
                        option.unwrap_or_default().to_owned()
                    }
                    _ => field.attr("value").unwrap_or_default().to_owned(),
                };
                (name, value)
            })
            .collect()
    }

    /// What holds for every page.
    #[track_caller]
    fn check(&self) {
        let (dom, path) = (self.dom(), &self.path);
        let count = |css: &str| dom.select(&selector(css)).count();
        assert_eq!(count("h1"), 1, "{path}: headings");
        assert_eq!(count("main"), 1, "{path}: main");
        assert_eq!(count("head > title"), 1, "{path}: title");
        for form in dom.select(&selector("form")) {
            let is_post = form.attr("method") == Some("post");
            let tokens = form.select(&selector("input[name=csrf]")).count();
            assert_eq!(tokens, usize::from(is_post), "{path}: {}", form.html());
            let action = form.attr("action").expect("a form says where it goes");
            assert!(action.starts_with("/ui/"), "{path}: {action}");
        }
        for script in dom.select(&selector("script")) {
            assert!(script.attr("src").is_some(), "{path}: an inline script");
        }
        assert_eq!(count("style, base, iframe, object, embed"), 0, "{path}");
        let mut ids = BTreeSet::new();
        for element in dom.select(&selector("*")) {
            for (name, value) in element.value().attrs() {
                assert!(name != "style" && !name.starts_with("on"), "{path}: {name}");
                if matches!(name, "href" | "src" | "action") {
                    let is_known = ["/", "#", "https://", "http://", "mailto:", "data:,"]
                        .iter()
                        .any(|start| value.starts_with(start));
                    assert!(is_known, "{path}: {value}");
                }
            }
            if let Some(id) = element.attr("id") {
                assert!(ids.insert(id.to_owned()), "{path}: `{id}` twice");
            }
        }
        for field in dom.select(&selector("input, select, textarea")) {
            let is_seen = !matches!(field.attr("type"), Some("hidden"));
            let label = field.attr("id").map(|id| format!("label[for=\"{id}\"]"));
            let has_label = label.is_some_and(|css| count(&css) == 1)
                || field.attr("aria-label").is_some()
                || field
                    .ancestors()
                    .filter_map(ElementRef::wrap)
                    .any(|parent| parent.value().name() == "label");
            assert!(!is_seen || has_label, "{path}: {}", field.html());
        }
        for file in self.attributes("link[rel=stylesheet]", "href") {
            asset(file.strip_prefix("/assets/").unwrap());
        }
        for file in self.attributes("script", "src") {
            asset(file.strip_prefix("/assets/").unwrap());
        }
        let header = |name: &str| self.answer.header(name).unwrap_or_default().to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(header("cache-control"), "private, no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
}

pub(crate) fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("{css}: {error}"))
}

fn text_of(element: ElementRef<'_>) -> String {
    let words: Vec<_> = element.text().flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// Who makes the first start, and her password.
pub(crate) const OWNER: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

impl super::TestRegistry {
    /// A browser that is signed in nowhere.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(&self.app, &self.world)
    }

    /// The browser of the first owner, who has just made the first start.
    #[track_caller]
    pub(crate) fn owner_browser(&self) -> Browser<'_> {
        let browser = self.browser();
        let page = browser.get("/ui/first-start").expect(200);
        let values = [
            ("secret", super::SETUP_SECRET),
            ("email", OWNER),
            ("name", "Ada King"),
            ("password", PASSWORD),
        ];
        browser
            .submit(&page, "/ui/first-start", &values)
            .expect(200);
        browser
    }

    /// The browser of a member of `acme` with a role, by an invitation.
    #[track_caller]
    pub(crate) fn member_browser(&self, email: &str, role: &str) -> Browser<'_> {
        let asked = serde_json::json!({"email": email, "role": role});
        let made = self
            .admin()
            .post("/api/v1/orgs/acme/invitations", &asked)
            .expect(201)
            .json();
        let browser = self.browser();
        let page = browser.get("/ui/invitation").expect(200);
        let token = made["token"].as_str().unwrap();
        let page = browser.submit(&page, "/ui/invitation", &[("token", token)]);
        let values = [("name", "Somebody"), ("password", PASSWORD)];
        browser.submit(&page, "/ui/invitation", &values).expect(200);
        browser
    }

    /// The browser of a customer who has shown a token.
    #[track_caller]
    pub(crate) fn buyer_browser(&self, token: &str) -> Browser<'_> {
        let browser = self.browser();
        let page = browser.get("/ui/customer/sign-in").expect(200);
        let page = browser.submit(&page, "/ui/customer/sign-in", &[("token", token)]);
        assert_eq!(page.expect(200).path, "/ui/customer");
        browser
    }

    /// Signs somebody in.
    #[track_caller]
    pub(crate) fn sign_in<'a>(&'a self, email: &str, password: &str) -> (Browser<'a>, Page) {
        let browser = self.browser();
        let page = browser.get("/ui/sign-in").expect(200);
        let values = [("email", email), ("password", password)];
        let page = browser.submit(&page, "/ui/sign-in", &values);
        (browser, page)
    }
}
