use proptest::prelude::*;

use super::*;
use crate::domain::statistics::{Counts, Period, Sum};
use crate::domain::time::day;

fn plot(sets: &[&[u64]], bucket: Bucket) -> Plot {
    let buckets = sets.first().map_or(0, |set| set.len());
    let length = match bucket {
        Bucket::Day => 1,
        Bucket::Week => 7,
        Bucket::Month => 31,
    };
    Plot {
        id: "chart".to_owned(),
        title: "Installs of acme/lib".to_owned(),
        unit: "installs".to_owned(),
        days: (0_i64..)
            .take(buckets)
            .map(
                |at| day((at.saturating_mul(length).saturating_add(20_000)).saturating_mul(86_400)),
            )
            .collect(),
        bucket,
        sets: sets
            .iter()
            .enumerate()
            .map(|(at, values)| Set {
                name: format!("v{at}"),
                values: values.to_vec(),
                class: CLASSES[at],
            })
            .collect(),
    }
}

/// All numbers that stand in an attribute, by its name.
fn numbers(svg: &str, name: &str) -> Vec<f64> {
    svg.split(&format!(" {name}=\""))
        .skip(1)
        .flat_map(|rest| {
            rest.split_once('"')
                .unwrap()
                .0
                .split([' ', ',', 'M', 'L', 'Z'])
                .filter(|piece| !piece.is_empty())
                .map(|piece| piece.parse().unwrap())
                .collect::<Vec<f64>>()
        })
        .collect()
}

fn assert_inside(svg: &str, width: f64, height: f64) {
    let within = |numbers: Vec<f64>, most: f64, what: &str| {
        for number in numbers {
            assert!(
                number.is_finite() && (0.0..=most).contains(&number),
                "{what} {number}: {svg}"
            );
        }
    };
    for name in ["x", "x1", "x2", "width"] {
        within(numbers(svg, name), width, name);
    }
    for name in ["y", "y1", "y2", "height"] {
        within(numbers(svg, name), height, name);
    }
    for name in ["points", "d"] {
        let all = numbers(svg, name);
        for pair in all.chunks(2) {
            within(vec![pair[0]], width, name);
            within(vec![pair[1]], height, name);
        }
    }
    // Each of these ends within the box too.
    for rect in svg.split("<rect").skip(1) {
        let rect = format!("<rect{}", rect.split_once('>').unwrap().0);
        let of = |name: &str| numbers(&format!("{rect}\""), name)[0];
        assert!(
            of("x") + of("width") <= width && of("y") + of("height") <= height + 0.01,
            "{rect}"
        );
    }
}

/// As strict a reader of XML as there is need of: what is opened is closed, and each attribute is in quotes.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('"') || !text.contains('='), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split(' ').next().unwrap().to_owned();
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
    for forbidden in ["style", "NaN", "inf", "onload", "<script", "http"] {
        assert!(!svg.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn charts_are_as_recorded() {
    let installs: Vec<u64> = vec![0, 3, 7, 2, 0, 11, 5];
    insta::assert_snapshot!(
        "line",
        line(&plot(&[&installs], Bucket::Day)).replace("><", ">\n<")
    );
    let stacked = plot(&[&installs, &[1, 0, 2, 0, 0, 4, 0]], Bucket::Week);
    insta::assert_snapshot!("bars", bars(&stacked).replace("><", ">\n<"));
    insta::assert_snapshot!(
        "sparkline",
        sparkline("Installs of a week", &installs).replace("><", ">\n<")
    );
    insta::assert_debug_snapshot!("table", table(&stacked));
}

#[test]
fn a_name_is_no_markup() {
    let mut hostile = plot(&[&[1], &[2]], Bucket::Day);
    hostile.id = "a\" onload=\"x".to_owned();
    hostile.title = "</title><script>alert(1)</script>".to_owned();
    hostile.sets[0].name = "\"'&<b>\u{0}\u{7f}".to_owned();
    hostile.days[0] = "<i>".to_owned();
    for svg in [
        line(&hostile),
        bars(&hostile),
        sparkline(&hostile.title, &[1]),
    ] {
        assert_eq!(
            svg.matches("script").count(),
            svg.matches("&lt;script&gt;").count() + svg.matches("&lt;/script&gt;").count()
        );
        assert!(
            !svg.contains("<b>") && !svg.contains("<i>") && !svg.contains("onload=\""),
            "{svg}"
        );
    }
}

#[test]
fn nothing_is_drawn_of_nothing() {
    for svg in [
        line(&plot(&[], Bucket::Day)),
        bars(&plot(&[], Bucket::Day)),
        sparkline("", &[]),
    ] {
        assert_well_formed(&svg);
        assert_inside(&svg, 720.0, 240.0);
    }
    let svg = bars(&plot(&[&[0, 0]], Bucket::Month));
    assert!(
        svg.contains("No installs from October 2024 to November 2024"),
        "{svg}"
    );
    assert_eq!(svg.matches("chart-bar\"").count(), 0);
}

#[test]
fn a_series_is_drawn_by_its_parts() {
    let period = Period::new("2026-11-20", "2026-11-21", Bucket::Day).unwrap();
    let sum = |part: Option<&str>, name: Option<&str>, installs| Sum {
        day: "2026-11-21".to_owned(),
        part: part.map(str::to_owned),
        name: name.map(str::to_owned),
        counts: Counts {
            installs,
            downloads: 1,
        },
    };
    let series = Series::build(
        period,
        [
            sum(Some("8.3"), None, 5),
            sum(Some(""), None, 2),
            sum(None, None, 1),
        ],
    );
    let plot = Plot::of(&series, By::Php, Measure::Installs, "php", "By PHP");
    let sets: Vec<_> = plot
        .sets
        .iter()
        .map(|set| (set.name.as_str(), set.total(), set.class))
        .collect();
    assert_eq!(
        sets,
        [
            ("PHP 8.3", 5, "chart-set-1"),
            ("PHP not told", 2, "chart-set-2"),
            ("Others", 1, "chart-set-others")
        ]
    );
    let whole = Plot::of(&series, By::Nothing, Measure::Downloads, "all", "All");
    assert_eq!(whole.sets[0].values, [0, 3]);
    assert_eq!(table(&plot).totals, [5, 2, 1, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_drawn_is_inside_the_box(
        buckets in 1_usize..60,
        seeds in prop::collection::vec(prop::collection::vec(prop_oneof![0_u64..50, any::<u64>()], 60), 1..5),
        bucket in 0_usize..3,
    ) {
        let sets: Vec<&[u64]> = seeds.iter().map(|values| &values[..buckets]).collect();
        let plot = plot(&sets, Bucket::ALL[bucket]);
        for svg in [line(&plot), bars(&plot)] {
            assert_well_formed(&svg);
            assert_inside(&svg, 720.0, 240.0);
            prop_assert_eq!(svg.matches("data-day=").count(), buckets);
        }
        let spark = sparkline("title", sets[0]);
        assert_well_formed(&spark);
        assert_inside(&spark, 100.0, 24.0);
    }

    #[test]
    fn the_table_has_the_same_numbers(
        values in prop::collection::vec(prop::collection::vec(0_u64..1_000, 10), 1..4),
    ) {
        let sets: Vec<&[u64]> = values.iter().map(Vec::as_slice).collect();
        let plot = plot(&sets, Bucket::Day);
        let table = table(&plot);
        prop_assert_eq!(table.rows.len(), 10);
        for (column, total) in table.totals.iter().enumerate() {
            let rows: u64 = table.rows.iter().map(|row| row.values[column]).sum();
            prop_assert_eq!(rows, *total);
        }
        if values.len() > 1 {
            prop_assert_eq!(*table.totals.last().unwrap(), plot.total());
        }
        prop_assert!(table.rows.iter().all(|row| row.values.len() == table.columns.len().saturating_sub(1)));
    }
}
