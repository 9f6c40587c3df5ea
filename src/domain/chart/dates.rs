//! Days as they stand at the axis and in texts.

use jiff::civil::Date;

use super::Bucket;

/// Texts at the axis at most: each takes some sixty units of the width.
const MOST_DATES: usize = 7;

/// `21 Nov`, or `Nov 2026` of a month.
pub(super) fn short(day: &str, bucket: Bucket) -> String {
    let format = match bucket {
        Bucket::Day | Bucket::Week => "%-d %b",
        Bucket::Month => "%b %Y",
    };
    spell(day, format)
}

/// `21 November 2026`, `week of 16 November 2026` or `November 2026`.
pub(super) fn long(day: &str, bucket: Bucket) -> String {
    match bucket {
        Bucket::Day => spell(day, "%-d %B %Y"),
        Bucket::Week => format!("week of {}", spell(day, "%-d %B %Y")),
        Bucket::Month => spell(day, "%B %Y"),
    }
}

fn spell(day: &str, format: &str) -> String {
    day.parse::<Date>()
        .map_or_else(|_| day.to_owned(), |date| date.strftime(format).to_string())
}

/// Which of so many buckets have their date at the axis: evenly many apart, the last one always.
pub(super) fn labelled(buckets: usize) -> impl Iterator<Item = usize> {
    let apart = buckets.div_ceil(MOST_DATES).max(1);
    let last = buckets.saturating_sub(1);
    (0..buckets).filter(move |at| last.saturating_sub(*at).is_multiple_of(apart))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_spelled() {
        assert_eq!(short("2026-11-02", Bucket::Day), "2 Nov");
        assert_eq!(short("2026-11-01", Bucket::Month), "Nov 2026");
        assert_eq!(long("2026-11-02", Bucket::Day), "2 November 2026");
        assert_eq!(long("2026-11-02", Bucket::Week), "week of 2 November 2026");
        assert_eq!(long("what", Bucket::Day), "what");
    }

    #[test]
    fn few_buckets_are_labelled_and_the_last_one_is() {
        assert_eq!(labelled(0).count(), 0);
        for buckets in 1..500 {
            let all: Vec<_> = labelled(buckets).collect();
            assert!((1..=MOST_DATES).contains(&all.len()), "{buckets}");
            assert_eq!(all.last(), Some(&(buckets - 1)));
        }
    }
}
