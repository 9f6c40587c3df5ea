//! Whom a grant is for, and what a customer may be.

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A customer, by id.
    Customer(String),
    /// A team, by id.
    Team(String),
    /// A token that sees only what was granted, by id.
    Token(String),
    /// A sub-organisation, by its number.
    Organisation(i64),
}

impl Subject {
    /// As stored: `customer:ID`. Never to change: grants are found by it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Customer(id) => format!("customer:{id}"),
            Self::Team(id) => format!("team:{id}"),
            Self::Token(id) => format!("token:{id}"),
            Self::Organisation(id) => format!("organisation:{id}"),
        }
    }

    /// Reads what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        match kind {
            "customer" => Some(Self::Customer(id.to_owned())),
            "team" => Some(Self::Team(id.to_owned())),
            "token" => Some(Self::Token(id.to_owned())),
            "organisation" => id.parse().ok().map(Self::Organisation),
            _ => None,
        }
    }
}

/// What a customer was set to. That its time is over is no state: it follows from the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerState {
    /// Sees what was granted.
    Active,
    /// Gets nothing.
    Suspended,
    /// Keeps what there was at a moment, and sees nothing newer.
    Frozen,
}

impl CustomerState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Frozen];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Frozen => "frozen",
        }
    }

    /// Reads the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_leads_back() {
        for subject in [
            Subject::Customer("a:b".to_owned()),
            Subject::Team("t".to_owned()),
            Subject::Token("k".to_owned()),
            Subject::Organisation(7),
        ] {
            assert_eq!(Subject::parse(&subject.to_text()), Some(subject));
        }
        for text in ["", "customer", "robot:1", "organisation:seven"] {
            assert_eq!(Subject::parse(text), None, "{text}");
        }
        for state in CustomerState::ALL {
            assert_eq!(CustomerState::parse(state.as_str()), Some(state));
        }
        assert_eq!(CustomerState::parse("expired"), None);
    }
}
