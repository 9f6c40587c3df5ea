//! The cookies of the pages. Over https their names begin with `__Host-`, so that no other host, not even one below this
//! one, can set them, and they go to no other.

use crate::http::request::Request;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The secret of a login.
    Login,
    /// The secret of a customer's login.
    Customer,
    /// What the forms of somebody who is not signed in are bound to.
    Form,
    /// What a sign-in at a provider is bound to, for ten minutes.
    SignIn,
    /// What the next page says once.
    Flash,
    /// `light` or `dark`.
    Theme,
}

impl Cookie {
    fn name(self) -> &'static str {
        match self {
            Self::Login => "repertoire",
            Self::Customer => "repertoire-customer",
            Self::Form => "repertoire-form",
            Self::SignIn => "repertoire-sign-in",
            Self::Flash => "repertoire-flash",
            Self::Theme => "repertoire-theme",
        }
    }
}

/// What a browser sent along, and whether it speaks https.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    sent: Vec<(String, String)>,
    is_secure: bool,
}

impl Cookies {
    /// Reads them. A proxy may speak http to us where the browser speaks https: then the instance's own address says so.
    pub(crate) fn of(request: &Request, public_url: &str) -> Self {
        let header = request.header("cookie").unwrap_or_default();
        let sent = header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            sent,
            is_secure: request.origin.starts_with("https://") || public_url.starts_with("https://"),
        }
    }

    fn name(&self, cookie: Cookie) -> String {
        let prefix = if self.is_secure { "__Host-" } else { "" };
        format!("{prefix}{}", cookie.name())
    }

    /// The value of a cookie.
    pub(crate) fn get(&self, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        let found = self.sent.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The header that sets a cookie; without an age it ends with the browser's session. `value` has no `;` in it.
    pub(crate) fn set(&self, cookie: Cookie, value: &str, seconds: Option<i64>) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let age = seconds.map_or(String::new(), |age| format!("; Max-Age={age}"));
        let name = self.name(cookie);
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
    }

    /// The header that takes a cookie away.
    pub(crate) fn clear(&self, cookie: Cookie) -> String {
        self.set(cookie, "", Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Buffered;

    fn cookies(origin: &str, public_url: &str, header: &str) -> Cookies {
        let request = Request {
            method: "GET".to_owned(),
            origin: origin.to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Box::new(vec![("cookie".to_owned(), header.to_owned())]),
            body: Box::new(Buffered::new(Vec::new())),
        };
        Cookies::of(&request, public_url)
    }

    #[test]
    fn over_https_the_plain_name_is_nothing() {
        let both = "repertoire=a; __Host-repertoire=b";
        let secure = cookies("https://a.b", "https://a.b", both);
        assert_eq!(secure.get(Cookie::Login), Some("b"));
        let behind_proxy = cookies("http://a.b", "https://a.b", "repertoire=a");
        assert_eq!(behind_proxy.get(Cookie::Login), None);
        let local = cookies("http://localhost:8787", "http://localhost:8787", both);
        assert_eq!(local.get(Cookie::Login), Some("a"));
    }

    #[test]
    fn a_cookie_is_for_us_alone_and_out_of_reach_of_scripts() {
        let secure = cookies("https://a.b", "https://a.b", "");
        assert_eq!(
            secure.set(Cookie::Login, "s", Some(60)),
            "__Host-repertoire=s; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        let local = cookies("http://localhost", "http://localhost", "");
        assert_eq!(
            local.clear(Cookie::Form),
            "repertoire-form=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }
}
