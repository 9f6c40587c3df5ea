//! Those who say who somebody is: issuers of OpenID Connect with real keys and signatures, and the OAuth of GitHub and
//! Bitbucket. They check what we send as the real ones do, and can lie in every way that matters.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use repertoire::ports::OutRequest;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::ADDRESS;
use super::github::Answer;
use super::github_app::{APP_KEY, OTHER_KEY};

pub(crate) const CLIENT: &str = "repertoire client";
pub(crate) const SECRET: &str = "s3cret+/=&%";
pub(crate) const ISSUER: &str = "https://id.acme.example/realm";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alg {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

/// A lie of an issuer, or an illness.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mood {
    Well,
    /// A claim of the ID token is this one; null: it is not there.
    Claim(&'static str, Value),
    AlgNone,
    /// HS256, under the public key as published.
    HmacWithPublicKey,
    /// The signature of another key, under the name of the one that is published.
    OtherKey,
    /// The token's claims were changed after it was signed.
    Tampered,
    /// A header that asks for what nobody knows.
    Critical,
    /// The key is published for encryption.
    KeyForEncryption,
    /// The key cannot be had.
    KeyOfOtherAlgorithm,
    /// Each answer at a path has this status.
    Status(&'static str, u16),
    /// Each answer at a path is cut in half.
    Truncated(&'static str),
    /// Each answer at a path is far too large.
    Endless(&'static str),
    /// It refuses the code with this word.
    Refuses(&'static str),
    /// It comes back with this error in place of a code.
    Denies(&'static str),
    /// It says that it is another issuer when it comes back.
    OtherIssuer,
}

struct Code {
    nonce: Option<String>,
    challenge: String,
    redirect: String,
}

pub(crate) struct Issuer {
    pub(crate) alg: Alg,
    /// Which of two keys is published; each has a name of its own.
    pub(crate) generation: usize,
    pub(crate) mood: Mood,
    /// Claims about the person who is there.
    pub(crate) person: Value,
    /// What the user info says; none: nothing is there.
    pub(crate) user_info: Option<Value>,
    /// How a client shows its secret.
    pub(crate) takes_basic: bool,
    codes: BTreeMap<String, Code>,
    elliptic: [Vec<u8>; 2],
    edwards: [Vec<u8>; 2],
}

impl Issuer {
    fn new(person: Value) -> Self {
        let random = SystemRandom::new();
        let elliptic = || {
            let made =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            made.as_ref().to_vec()
        };
        let edwards = || {
            Ed25519KeyPair::generate_pkcs8(&random)
                .unwrap()
                .as_ref()
                .to_vec()
        };
        Self {
            alg: Alg::Rs256,
            generation: 0,
            mood: Mood::Well,
            person,
            user_info: None,
            takes_basic: true,
            codes: BTreeMap::new(),
            elliptic: [elliptic(), elliptic()],
            edwards: [edwards(), edwards()],
        }
    }

    fn rsa(generation: usize) -> RsaKeyPair {
        let pem = [APP_KEY, OTHER_KEY][generation];
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        RsaKeyPair::from_der(&STANDARD.decode(base64).unwrap()).unwrap()
    }

    fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let generation = self.generation;
        let mut jwk = match self.alg {
            Alg::Rs256 | Alg::Ps256 => {
                let key = Self::rsa(generation);
                let parts = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": text(&parts.n), "e": text(&parts.e)})
            }
            Alg::Es256 => {
                let random = SystemRandom::new();
                let key = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &self.elliptic[generation],
                    &random,
                )
                .unwrap();
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Alg::EdDsa => {
                let key = Ed25519KeyPair::from_pkcs8(&self.edwards[generation]).unwrap();
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())})
            }
        };
        jwk["kid"] = json!(format!("key-{generation}"));
        match self.mood {
            Mood::KeyForEncryption => jwk["use"] = json!("enc"),
            Mood::KeyOfOtherAlgorithm => jwk["alg"] = json!("RS512"),
            _ => {}
        }
        jwk
    }

    fn sign(&self, message: &[u8], generation: usize) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.alg {
            Alg::Rs256 | Alg::Ps256 => {
                let key = Self::rsa(generation);
                let mut signature = vec![0; key.public().modulus_len()];
                let padding: &dyn ring::signature::RsaEncoding = if self.alg == Alg::Rs256 {
                    &RSA_PKCS1_SHA256
                } else {
                    &RSA_PSS_SHA256
                };
                key.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Alg::Es256 => EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &self.elliptic[generation],
                &random,
            )
            .unwrap()
            .sign(&random, message)
            .unwrap()
            .as_ref()
            .to_vec(),
            Alg::EdDsa => Ed25519KeyPair::from_pkcs8(&self.edwards[generation])
                .unwrap()
                .sign(message)
                .as_ref()
                .to_vec(),
        }
    }

    fn token(&self, issuer: &str, code: &Code, access_token: &str, now: i64) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let hash = if self.alg == Alg::EdDsa {
            Sha512::digest(access_token)[..32].to_vec()
        } else {
            Sha256::digest(access_token)[..16].to_vec()
        };
        let mut claims = json!({
            "iss": issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": code.nonce,
            "at_hash": URL_SAFE_NO_PAD.encode(hash),
        });
        for (name, value) in self.person.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if let Mood::Claim(name, value) = &self.mood {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
                value => claims[*name] = value.clone(),
            }
        }
        let alg = match self.alg {
            Alg::Rs256 => "RS256",
            Alg::Ps256 => "PS256",
            Alg::Es256 => "ES256",
            Alg::EdDsa => "EdDSA",
        };
        let mut header =
            json!({"alg": alg, "typ": "JWT", "kid": format!("key-{}", self.generation)});
        match self.mood {
            Mood::AlgNone => header["alg"] = json!("none"),
            Mood::HmacWithPublicKey => header["alg"] = json!("HS256"),
            Mood::Critical => header["crit"] = json!(["exp"]),
            _ => {}
        }
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = match self.mood {
            Mood::AlgNone => Vec::new(),
            Mood::HmacWithPublicKey => {
                let key = self.jwk()["n"].as_str().unwrap().to_owned();
                let key = URL_SAFE_NO_PAD.decode(key).unwrap();
                let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Mood::OtherKey => self.sign(message.as_bytes(), 1 - self.generation),
            _ => self.sign(message.as_bytes(), self.generation),
        };
        let message = if self.mood == Mood::Tampered {
            claims["sub"] = json!("somebody-else");
            format!("{}.{}", part(&header), part(&claims))
        } else {
            message
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Somebody at GitHub or Bitbucket.
pub(crate) struct Person {
    pub(crate) user: Value,
    pub(crate) emails: Value,
    /// The status of the API, when it fails.
    pub(crate) fails: Option<u16>,
}

#[derive(Default)]
pub(crate) struct IdentityDouble {
    issuers: BTreeMap<String, Issuer>,
    /// By the base URL.
    pub(crate) people: BTreeMap<String, Person>,
    codes: BTreeMap<String, Code>,
    /// The address of each request.
    pub(crate) seen: Vec<String>,
    made: usize,
}

fn query_of(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

impl IdentityDouble {
    /// An issuer with somebody at it.
    pub(crate) fn add_issuer(&mut self, issuer: &str, person: Value) {
        self.issuers.insert(issuer.to_owned(), Issuer::new(person));
    }

    pub(crate) fn issuer(&mut self, issuer: &str) -> &mut Issuer {
        self.issuers.get_mut(issuer).unwrap()
    }

    /// GitHub (or an Enterprise server) with somebody at it.
    pub(crate) fn add_github(&mut self, base: &str, id: u64, email: &str, verified: bool) {
        let person = Person {
            user: json!({"id": id, "login": "ada", "name": "Ada King", "email": "public@elsewhere.test"}),
            emails: json!([
                {"email": "other@example.com", "primary": false, "verified": true},
                {"email": email, "primary": true, "verified": verified},
            ]),
            fails: None,
        };
        self.people.insert(base.to_owned(), person);
    }

    /// Bitbucket with somebody at it.
    pub(crate) fn add_bitbucket(&mut self, email: &str, confirmed: bool) {
        let person = Person {
            user: json!({"uuid": "{a-uuid}", "display_name": "Ada King"}),
            emails: json!({"values": [
                {"email": "other@example.com", "is_primary": false, "is_confirmed": true},
                {"email": email, "is_primary": true, "is_confirmed": confirmed},
            ]}),
            fails: None,
        };
        self.people
            .insert("https://bitbucket.org".to_owned(), person);
    }

    /// What a browser does at a provider: somebody agrees, and is sent back. Gives the path at ours.
    pub(crate) fn agree(&mut self, url: &str) -> String {
        let (endpoint, query) = url.split_once('?').unwrap();
        let query = query_of(query);
        let asked = |name: &str| {
            query
                .get(name)
                .cloned()
                .unwrap_or_else(|| panic!("{name} in {url}"))
        };
        assert_eq!(asked("response_type"), "code");
        assert_eq!(asked("client_id"), CLIENT);
        assert_eq!(asked("code_challenge_method"), "S256");
        assert!(asked("state").len() >= 43);
        let issuer = self
            .issuers
            .keys()
            .find(|issuer| endpoint == format!("{issuer}/authorize"))
            .cloned();
        self.made += 1;
        let code = format!("code/{}", self.made);
        let redirect = asked("redirect_uri");
        let to = redirect.strip_prefix(ADDRESS).unwrap().to_owned();
        let kept = Code {
            nonce: query.get("nonce").cloned(),
            challenge: asked("code_challenge"),
            redirect,
        };
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let state = encode(&asked("state"));
        let Some(name) = issuer else {
            assert!(endpoint.ends_with("/authorize"), "{endpoint}");
            self.codes.insert(code.clone(), kept);
            return format!("{to}?code={}&state={state}", encode(&code));
        };
        assert!(asked("scope").contains("openid") && kept.nonce.is_some());
        let issuer = self.issuers.get_mut(&name).unwrap();
        issuer.codes.insert(code.clone(), kept);
        let said = match issuer.mood {
            Mood::OtherIssuer => "https://evil.example",
            _ => &name,
        };
        match issuer.mood {
            Mood::Denies(word) => format!("{to}?error={word}&state={state}&iss={}", encode(said)),
            _ => format!(
                "{to}?code={}&state={state}&iss={}",
                encode(&code),
                encode(said)
            ),
        }
    }

    /// None when another host is asked.
    pub(crate) fn answer(&mut self, request: &OutRequest, now: i64) -> Option<Answer> {
        let url = request.url.split('?').next().unwrap().to_owned();
        let known = self
            .issuers
            .keys()
            .find(|issuer| url.starts_with(&format!("{}/", issuer.trim_end_matches('/'))))
            .cloned();
        if let Some(name) = known {
            self.seen.push(url.clone());
            return Some(self.answer_oidc(&name, &url, request, now));
        }
        let answer = self.answer_oauth(&url, request)?;
        self.seen.push(url);
        Some(answer)
    }

    fn answer_oidc(&mut self, name: &str, url: &str, request: &OutRequest, now: i64) -> Answer {
        let issuer = self.issuers.get_mut(name).unwrap();
        let path = url.strip_prefix(name.trim_end_matches('/')).unwrap();
        if let Mood::Status(at, status) = issuer.mood
            && path == at
        {
            return Answer::new(status, "<html>");
        }
        let body = match path {
            "/.well-known/openid-configuration" => {
                let methods = if issuer.takes_basic {
                    json!(["client_secret_basic"])
                } else {
                    json!(["client_secret_post"])
                };
                let at = |path: &str| format!("{name}{path}");
                let mut document = json!({
                    "issuer": name, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                    "jwks_uri": at("/keys"), "token_endpoint_auth_methods_supported": methods,
                    "authorization_response_iss_parameter_supported": true,
                });
                if issuer.user_info.is_some() {
                    document["userinfo_endpoint"] = json!(at("/me"));
                }
                document
            }
            "/keys" => {
                let odd = json!({"kty": "XYZ", "kid": "odd"});
                json!({"keys": [odd, issuer.jwk()]})
            }
            "/me" => {
                let token = ("authorization".to_owned(), "Bearer access".to_owned());
                assert!(request.headers.contains(&token));
                issuer.user_info.clone().unwrap()
            }
            "/token" => match redeem(&mut issuer.codes, issuer.takes_basic, request) {
                Err(answer) => return answer,
                Ok(code) => {
                    if let Mood::Refuses(word) = issuer.mood {
                        return Answer::new(400, json!({"error": word}).to_string());
                    }
                    let token = issuer.token(name, &code, "access", now);
                    json!({"access_token": "access", "token_type": "Bearer", "id_token": token})
                }
            },
            _ => return Answer::new(404, "{}"),
        };
        let body = body.to_string();
        match issuer.mood {
            Mood::Truncated(at) if at == path => {
                Answer::new(200, &body.as_bytes()[..body.len() / 2])
            }
            Mood::Endless(at) if at == path => {
                Answer::new(200, format!("{body}{}", " ".repeat(2_000_000)))
            }
            _ => Answer::new(200, body),
        }
    }

    fn answer_oauth(&mut self, url: &str, request: &OutRequest) -> Option<Answer> {
        let (base, rest) = [
            ("https://api.github.com", "https://github.com"),
            ("https://api.bitbucket.org/2.0", "https://bitbucket.org"),
        ]
        .into_iter()
        .find_map(|(api, base)| Some((base.to_owned(), url.strip_prefix(api)?)))
        .or_else(|| {
            let known = self
                .people
                .keys()
                .find(|base| url.starts_with(&format!("{base}/")))?;
            Some((known.clone(), url.strip_prefix(known.as_str())?))
        })?;
        let person = self.people.get(&base)?;
        let rest = rest.strip_prefix("/api/v3").unwrap_or(rest);
        let takes_basic = base == "https://bitbucket.org";
        if matches!(
            rest,
            "/login/oauth/access_token" | "/site/oauth2/access_token"
        ) {
            return Some(match redeem(&mut self.codes, takes_basic, request) {
                Err(answer) => answer,
                Ok(_) => Answer::new(200, json!({"access_token": "gho_access"}).to_string()),
            });
        }
        let token = ("authorization".to_owned(), "Bearer gho_access".to_owned());
        if !request.headers.contains(&token) {
            return None;
        }
        if let Some(status) = person.fails {
            return Some(Answer::new(status, "{}"));
        }
        Some(match rest {
            "/user" => Answer::new(200, person.user.to_string()),
            "/user/emails" => Answer::new(200, person.emails.to_string()),
            _ => Answer::new(404, "{}"),
        })
    }
}

/// Looks at a code as a token endpoint does: the client's secret, the redirect address, PKCE, and that it is used once.
fn redeem(
    codes: &mut BTreeMap<String, Code>,
    takes_basic: bool,
    request: &OutRequest,
) -> Result<Code, Answer> {
    let refuse = |word: &str| Err(Answer::new(400, json!({"error": word}).to_string()));
    assert_eq!(request.method, "POST");
    let form = query_of(std::str::from_utf8(&request.body).unwrap());
    assert_eq!(form["grant_type"], "authorization_code");
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let is_client = if takes_basic {
        let both = STANDARD.encode(format!("{}:{}", encode(CLIENT), encode(SECRET)));
        let basic = ("authorization".to_owned(), format!("Basic {both}"));
        request.headers.contains(&basic) && !form.contains_key("client_secret")
    } else {
        form.get("client_id").is_some_and(|id| id == CLIENT)
            && form
                .get("client_secret")
                .is_some_and(|secret| secret == SECRET)
    };
    if !is_client {
        return refuse("invalid_client");
    }
    let Some(code) = codes.remove(&form["code"]) else {
        return refuse("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if code.redirect != form["redirect_uri"] || code.challenge != challenge {
        return refuse("invalid_grant");
    }
    Ok(code)
}
