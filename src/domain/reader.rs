//! Who installs and downloads, as daily sums have it: a customer or a token, by id. No name, no address: who is removed is
//! a number without a face.

use serde::{Deserialize, Serialize};

use super::access::{Caller, Principal};

/// What kind of reader it is. The spelling is stored and stands in the API: never to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReaderKind {
    /// Nobody in particular: a public repository wants no token.
    Anonymous,
    /// A customer, whichever of its tokens it used.
    Customer,
    /// A token of the organisation that has the package: a machine's, or a person's.
    Token,
    /// Another organisation that was given the package; which of its tokens, is its own business.
    Organisation,
    /// The owner of the instance.
    Instance,
    /// From before readers were told apart.
    Unknown,
}

impl ReaderKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::Customer,
        Self::Token,
        Self::Organisation,
        Self::Instance,
        Self::Unknown,
    ];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Customer => "customer",
            Self::Token => "token",
            Self::Organisation => "organisation",
            Self::Instance => "instance",
            Self::Unknown => "unknown",
        }
    }
}

/// A reader, spelled as messages have it: its kind, and the id of what it is behind a colon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reader(String);

impl Default for Reader {
    fn default() -> Self {
        Self::new(ReaderKind::Unknown, "")
    }
}

impl Reader {
    /// A reader of a kind; `id` is empty where there is one of a kind.
    pub fn new(kind: ReaderKind, id: &str) -> Self {
        Self(format!("{}:{id}", kind.as_str()))
    }

    /// Who reads what an organisation has.
    pub fn of(principal: Option<&Principal>, organisation: i64) -> Self {
        let Some(principal) = principal else {
            return Self::new(ReaderKind::Anonymous, "");
        };
        match (principal.organisation, &principal.caller) {
            (None, _) => Self::new(ReaderKind::Instance, ""),
            (Some(own), _) if own != organisation => {
                Self::new(ReaderKind::Organisation, &own.to_string())
            }
            (_, Caller::Customer { id, .. }) => Self::new(ReaderKind::Customer, id),
            _ => Self::new(ReaderKind::Token, &principal.token),
        }
    }

    /// Its kind, as stored, and its id. What a newer program calls otherwise is kept as it calls it.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_its_kind_and_its_id() {
        for kind in ReaderKind::ALL {
            let reader = Reader::new(kind, "a:b");
            assert_eq!(reader.parts(), (kind.as_str(), "a:b"));
            let text = serde_json::to_string(&reader).unwrap();
            assert_eq!(serde_json::from_str::<Reader>(&text).unwrap(), reader);
        }
        assert_eq!(Reader::default().parts(), ("unknown", ""));
        assert_eq!(Reader::of(None, 1).parts(), ("anonymous", ""));
    }
}
