//! The days that a series is about, and how they are put together.

use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// The most points of a series: a year of days, seven years of weeks.
pub const MOST_BUCKETS: usize = 400;

/// What is added up into one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// A day in UTC.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == text)
    }

    fn start_of(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let days = i64::from(day.weekday().since(Weekday::Monday));
                day.saturating_sub(days.days())
            }
            Self::Month => day.first_of_month(),
        }
    }

    fn length(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        }
    }
}

/// Why days are no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPeriod {
    /// A text is no day.
    NoDay,
    /// It ends before it begins.
    Backwards,
    /// There would be more points than [`MOST_BUCKETS`].
    TooLong,
}

impl fmt::Display for InvalidPeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDay => formatter.write_str("days are written as `2026-11-21`"),
            Self::Backwards => formatter.write_str("the first day must not be after the last one"),
            Self::TooLong => write!(
                formatter,
                "there are at most {MOST_BUCKETS} points: choose fewer days, or `week` or `month`"
            ),
        }
    }
}

/// Some days in UTC, cut into buckets. It begins with a bucket, so that each but the last is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    bucket: Bucket,
    /// The first day of each bucket; there is one at least.
    starts: Vec<String>,
    last: String,
}

impl Period {
    /// The buckets from that of the day `from` to that of the day `to`, both such as `2026-11-21`.
    pub fn new(from: &str, to: &str, bucket: Bucket) -> Result<Self, InvalidPeriod> {
        let (from, to) = (parse(from)?, parse(to)?);
        if from > to {
            return Err(InvalidPeriod::Backwards);
        }
        Self::between(from, to, bucket)
    }

    /// So many buckets, the last of which has the day `to`.
    pub fn until(to: &str, buckets: u16, bucket: Bucket) -> Result<Self, InvalidPeriod> {
        let to = parse(to)?;
        let before = i32::from(buckets.max(1)).saturating_sub(1);
        let back = match bucket {
            Bucket::Day => before.days(),
            Bucket::Week => before.weeks(),
            Bucket::Month => before.months(),
        };
        Self::between(bucket.start_of(to).saturating_sub(back), to, bucket)
    }

    fn between(from: Date, to: Date, bucket: Bucket) -> Result<Self, InvalidPeriod> {
        let starts: Vec<String> = bucket
            .start_of(from)
            .series(bucket.length())
            .take_while(|start| *start <= to)
            .take(MOST_BUCKETS.saturating_add(1))
            .map(|start| start.to_string())
            .collect();
        if starts.len() > MOST_BUCKETS {
            return Err(InvalidPeriod::TooLong);
        }
        Ok(Self {
            bucket,
            starts,
            last: to.to_string(),
        })
    }

    /// What is added up into one point.
    pub fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// The first day of each bucket.
    pub fn starts(&self) -> &[String] {
        &self.starts
    }

    /// The first day.
    pub fn first(&self) -> &str {
        self.starts.first().map_or(&self.last, |first| first)
    }

    /// The last day.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Which bucket a day is in; none for a day of no bucket.
    pub fn place_of(&self, day: &str) -> Option<usize> {
        // Days of four-digit years sort as texts do.
        if day > self.last.as_str() {
            return None;
        }
        self.starts
            .partition_point(|start| start.as_str() <= day)
            .checked_sub(1)
    }
}

/// Reads a day as it is written here, and no other way.
fn parse(text: &str) -> Result<Date, InvalidPeriod> {
    let day: Date = text.parse().map_err(|_| InvalidPeriod::NoDay)?;
    let is_plain = day.to_string() == text && (1..=9999).contains(&day.year());
    is_plain.then_some(day).ok_or(InvalidPeriod::NoDay)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn starts(from: &str, to: &str, bucket: Bucket) -> Vec<String> {
        Period::new(from, to, bucket).unwrap().starts().to_vec()
    }

    #[test]
    fn days_weeks_and_months_begin_where_the_calendar_has_it() {
        assert_eq!(
            starts("2026-02-27", "2026-03-01", Bucket::Day),
            ["2026-02-27", "2026-02-28", "2026-03-01"]
        );
        // The first of January of 2027 is a Friday.
        assert_eq!(
            starts("2027-01-01", "2027-01-11", Bucket::Week),
            ["2026-12-28", "2027-01-04", "2027-01-11"]
        );
        assert_eq!(
            starts("2025-12-31", "2026-02-01", Bucket::Month),
            ["2025-12-01", "2026-01-01", "2026-02-01"]
        );
        let period = Period::until("2026-03-31", 3, Bucket::Month).unwrap();
        assert_eq!(period.starts(), ["2026-01-01", "2026-02-01", "2026-03-01"]);
        assert_eq!(
            (period.first(), period.last()),
            ("2026-01-01", "2026-03-31")
        );
        let leap = Period::until("2028-03-01", 2, Bucket::Day).unwrap();
        assert_eq!(leap.starts(), ["2028-02-29", "2028-03-01"]);
    }

    #[test]
    fn what_is_no_period_is_refused() {
        let check = |from, to, bucket| Period::new(from, to, bucket).unwrap_err();
        for text in [
            "",
            "2026-2-3",
            "20261121",
            "2026-11-31",
            "+002026-01-01",
            "2026-11-21T00:00",
            "heute",
        ] {
            assert_eq!(
                check(text, "2026-11-21", Bucket::Day),
                InvalidPeriod::NoDay,
                "{text}"
            );
        }
        assert_eq!(
            check("2026-11-22", "2026-11-21", Bucket::Day),
            InvalidPeriod::Backwards
        );
        assert_eq!(
            check("2020-01-01", "2026-11-21", Bucket::Day),
            InvalidPeriod::TooLong
        );
        assert_eq!(
            check("0001-01-01", "9999-12-31", Bucket::Month),
            InvalidPeriod::TooLong
        );
        assert!(Period::new("2020-01-01", "2026-11-21", Bucket::Week).is_ok());
    }

    proptest! {
        #[test]
        fn each_day_is_in_one_bucket(from in 0_i64..20_000, days in 0_i64..400, at in -50_i64..500, bucket in 0_usize..3) {
            let day = |number: i64| crate::domain::time::day(number.saturating_mul(86_400));
            let period = Period::new(&day(from), &day(from.saturating_add(days)), Bucket::ALL[bucket]).unwrap();
            let looked_for = day(from.saturating_add(at));
            let place = period.place_of(&looked_for);
            prop_assert_eq!(place.is_some(), looked_for.as_str() >= period.first() && looked_for.as_str() <= period.last());
            if let Some(place) = place {
                prop_assert!(period.starts()[place] <= looked_for);
                prop_assert!(period.starts().get(place.saturating_add(1)).is_none_or(|next| *next > looked_for));
            }
            let mut sorted = period.starts().to_vec();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), period.starts().len());
            prop_assert!(period.starts().is_sorted());
        }
    }
}
