//! What a whole is cut into, and what the parts are called.

use super::Part;

/// What a whole is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Not at all.
    Nothing,
    /// By version; of packages alone.
    Version,
    /// By minor version of PHP.
    Php,
    /// By major version of Composer.
    Composer,
    /// By customer, token, organisation.
    Reader,
}

impl By {
    /// Those that a request may name.
    pub const ALL: [Self; 4] = [Self::Version, Self::Php, Self::Composer, Self::Reader];

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Version => "version",
            Self::Php => "php",
            Self::Composer => "composer",
            Self::Reader => "reader",
        }
    }

    /// What people call a part.
    pub fn name_of(self, part: &Part) -> String {
        if let Some(name) = &part.name {
            return name.clone();
        }
        let key = part.key.as_str();
        match (self, key) {
            (Self::Php, "") => "PHP not told".to_owned(),
            (Self::Php, version) => format!("PHP {version}"),
            (Self::Composer, "0") => "Not Composer".to_owned(),
            (Self::Composer, major) => format!("Composer {major}"),
            (Self::Reader, reader) => {
                let kind = reader.split_once(':').map_or(reader, |(kind, _)| kind);
                match kind {
                    "anonymous" => "Anybody, without a token",
                    "customer" => "A removed customer",
                    "token" => "A removed token",
                    "organisation" => "A removed organisation",
                    "instance" => "The owner of the instance",
                    _ => "Before readers were told apart",
                }
                .to_owned()
            }
            (Self::Version | Self::Nothing, key) => key.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::statistics::Curve;

    #[test]
    fn every_part_has_a_name() {
        let part = |key: &str, name: Option<&str>| Part {
            key: key.to_owned(),
            name: name.map(str::to_owned),
            curve: Curve::default(),
        };
        for (by, key, expected) in [
            (By::Version, "1.0.0.0", "1.0.0.0"),
            (By::Php, "8.3", "PHP 8.3"),
            (By::Php, "", "PHP not told"),
            (By::Composer, "2", "Composer 2"),
            (By::Composer, "0", "Not Composer"),
            (By::Reader, "customer:x", "A removed customer"),
            (By::Reader, "anonymous:", "Anybody, without a token"),
            (By::Reader, "what", "Before readers were told apart"),
        ] {
            assert_eq!(by.name_of(&part(key, None)), expected);
            assert_eq!(by.name_of(&part(key, Some("Globex"))), "Globex");
        }
    }
}
