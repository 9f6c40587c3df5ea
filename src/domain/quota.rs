//! What an organisation may use of an instance, and what is said when it has.

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Packages, whatever they come from.
    Packages,
    /// Bytes of stored archives.
    Storage,
    /// Bytes of archives served in a calendar month, in UTC.
    Bandwidth,
}

/// The limits of an organisation and those below it together; none for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotas {
    /// Packages.
    pub packages: Option<i64>,
    /// Bytes.
    pub storage: Option<i64>,
    /// Bytes in a calendar month.
    pub bandwidth: Option<i64>,
}

/// Of a quota, how much of it is used before people are told that it runs out, in hundredths.
const NEAR: i64 = 80;

/// How near a use is to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearness {
    /// There is no limit, or less than 80 % of it is used.
    Within,
    /// At least 80 % is used.
    Near,
    /// All of it is.
    Reached,
}

impl Nearness {
    /// Of a use to its limit.
    pub fn of(used: i64, limit: Option<i64>) -> Self {
        match limit {
            Some(limit) if used >= limit => Self::Reached,
            Some(limit) if share(used, 100) >= share(limit, NEAR) => Self::Near,
            _ => Self::Within,
        }
    }

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Near => "near",
            Self::Reached => "reached",
        }
    }
}

/// So many times a number, which is exact for all there are.
fn share(number: i64, times: i64) -> i128 {
    i128::from(number).saturating_mul(i128::from(times))
}

impl Quota {
    /// What the database says when a statement would go beyond one; see migration 0029. `None` for any other words.
    pub fn of_refusal(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("quota_exceeded: ")?;
        [(Self::Packages, "packages"), (Self::Storage, "storage")]
            .into_iter()
            .find(|(_, name)| rest.starts_with(name))
            .map(|(quota, _)| quota)
    }

    /// What somebody reads whose organisation has reached it.
    pub fn message(self, limit: i64, used: i64) -> String {
        let what = match self {
            Self::Packages => {
                format!("This organisation may have {limit} packages, and has {used}")
            }
            Self::Storage => format!(
                "This organisation may store {limit} bytes of archives, and stores {used}; this would be more"
            ),
            Self::Bandwidth => format!(
                "This organisation may serve {limit} bytes of archives in a month, and has served {used} in this one"
            ),
        };
        format!("{what}. The owner of this instance can raise the quota")
    }

    /// The same where the quota is that of the organisation above, whose numbers are its own business.
    pub fn message_of_parent(self) -> String {
        let what = match self {
            Self::Packages => "packages",
            Self::Storage => "storage",
            Self::Bandwidth => "bandwidth",
        };
        format!(
            "The quota of {what} of the organisation that this one belongs to is used up; ask the people there, or the \
             owner of this instance, who can raise it"
        )
    }
}

/// The message for whoever wants an archive when the bandwidth of the month is used up. It may be anybody, so it has no
/// numbers.
pub fn bandwidth_message(contact: Option<&str>) -> String {
    let contact = contact.map(str::trim).filter(|text| !text.is_empty());
    format!(
        "The organisation that has this package has used up its bandwidth for this month; archives come again with the \
         next one, or when its quota is raised. {}",
        contact.unwrap_or("Ask the people who gave you the token")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_says_leads_back() {
        let of = Quota::of_refusal;
        assert_eq!(
            of("D1_ERROR: quota_exceeded: packages: SQLITE_CONSTRAINT"),
            Some(Quota::Packages)
        );
        assert_eq!(of("quota_exceeded: storage"), Some(Quota::Storage));
        assert_eq!(of("UNIQUE constraint failed: packages.name"), None);
        assert_eq!(of("quota_exceeded: "), None);
    }

    #[test]
    fn four_fifths_are_near() {
        for (used, limit, expected) in [
            (79, Some(100), Nearness::Within),
            (80, Some(100), Nearness::Near),
            (99, Some(100), Nearness::Near),
            (100, Some(100), Nearness::Reached),
            (0, Some(0), Nearness::Reached),
            (i64::MAX, None, Nearness::Within),
            (i64::MAX - 1, Some(i64::MAX), Nearness::Near),
        ] {
            assert_eq!(Nearness::of(used, limit), expected, "{used} of {limit:?}");
        }
    }
}
