//! Curves, bars and sparklines.

use super::dates::{labelled, long, short};
use super::scale::{self, Scale, scaled};
use super::svg::{Escaped, Tenths, put};
use super::{Plot, Set};

/// The box, in tenths of a unit.
const WIDTH: u64 = 7_200;
const HEIGHT: u64 = 2_400;
/// What is beside the plot: numbers on the left, dates below.
const LEFT: u64 = 440;
const RIGHT: u64 = 160;
const TOP: u64 = 120;
const BOTTOM: u64 = 280;
/// The plot.
const INNER_WIDTH: u64 = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT: u64 = HEIGHT - TOP - BOTTOM;
/// The line at nought.
const BASE: u64 = HEIGHT - BOTTOM;
/// The widest bar.
const MOST_BAR: u64 = 320;

/// A sparkline's box.
const SPARK_WIDTH: u64 = 1_000;
const SPARK_HEIGHT: u64 = 240;
/// What its stroke needs above and below.
const SPARK_MARGIN: u64 = 20;

/// Draws a curve for each set; the area below the first is filled where there is one alone.
pub fn line(plot: &Plot) -> String {
    let most = plot
        .sets
        .iter()
        .flat_map(|set| (0..plot.days.len()).map(|at| plot.value(set, at)))
        .max();
    let scale = Scale::to(most.unwrap_or_default());
    let mut text = begin(plot, "chart-line", scale);
    for set in &plot.sets {
        let points: Vec<(u64, u64)> = (0..plot.days.len())
            .map(|at| {
                let height = scale.height(plot.value(set, at), INNER_HEIGHT);
                (middle(plot, at), BASE.saturating_sub(height))
            })
            .collect();
        put(&mut text, format_args!("<g class=\"{}\">", set.class));
        if plot.sets.len() == 1
            && let (Some(first), Some(last)) = (points.first(), points.last())
        {
            put(
                &mut text,
                format_args!(
                    "<path class=\"chart-area\" d=\"M{} {}",
                    Tenths(first.0),
                    Tenths(BASE)
                ),
            );
            for (x, y) in &points {
                put(&mut text, format_args!("L{} {}", Tenths(*x), Tenths(*y)));
            }
            put(
                &mut text,
                format_args!("L{} {}Z\"/>", Tenths(last.0), Tenths(BASE)),
            );
        }
        put(
            &mut text,
            format_args!(
                "<polyline class=\"chart-stroke\" fill=\"none\" points=\"{}\"/></g>",
                joined(&points)
            ),
        );
    }
    end(text, plot)
}

/// Draws a bar for each bucket, the sets on top of each other.
pub fn bars(plot: &Plot) -> String {
    let most = (0..plot.days.len()).map(|at| plot.sum_at(at)).max();
    let scale = Scale::to(most.unwrap_or_default());
    let mut text = begin(plot, "chart-bars", scale);
    let slot = scaled(1, INNER_WIDTH, count(plot));
    // A fifth of the room stays free between bars.
    let width = scaled(slot, 4, 5).clamp(1, MOST_BAR);
    let mut below = vec![0_u64; plot.days.len()];
    for set in &plot.sets {
        put(&mut text, format_args!("<g class=\"{}\">", set.class));
        for (at, below) in below.iter_mut().enumerate() {
            let foot = scale.height(*below, INNER_HEIGHT);
            *below = below.saturating_add(plot.value(set, at));
            let head = scale.height(*below, INNER_HEIGHT);
            if head > foot {
                put(
                    &mut text,
                    format_args!(
                        "<rect class=\"chart-bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                        Tenths(middle(plot, at).saturating_sub(width / 2)),
                        Tenths(BASE.saturating_sub(head)),
                        Tenths(width),
                        Tenths(head.saturating_sub(foot)),
                    ),
                );
            }
        }
        text.push_str("</g>");
    }
    end(text, plot)
}

/// Draws a small curve without axes, to stand in a row of a table. Its title says what it shows.
pub fn sparkline(title: &str, values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let gaps = u64::try_from(values.len().saturating_sub(1))
        .unwrap_or(u64::MAX)
        .max(1);
    let inner = SPARK_HEIGHT.saturating_sub(SPARK_MARGIN.saturating_mul(2));
    let points: Vec<(u64, u64)> = values
        .iter()
        .zip(0_u64..)
        .map(|(value, at)| {
            let height = scaled(*value, inner, most).saturating_add(SPARK_MARGIN);
            (
                scaled(at, SPARK_WIDTH, gaps),
                SPARK_HEIGHT.saturating_sub(height),
            )
        })
        .collect();
    format!(
        "<svg class=\"chart chart-spark\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"{title}\"><title>{title}</title><polyline class=\"chart-stroke\" fill=\"none\" \
         vector-effect=\"non-scaling-stroke\" points=\"{}\"/></svg>",
        Tenths(SPARK_WIDTH),
        Tenths(SPARK_HEIGHT),
        Tenths(SPARK_WIDTH),
        Tenths(SPARK_HEIGHT),
        joined(&points),
        title = Escaped(title),
    )
}

/// The box, its title and summary, and the axes.
fn begin(plot: &Plot, class: &str, scale: Scale) -> String {
    let id = plot.plain_id();
    let mut text = format!(
        "<svg class=\"chart {class}\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-summary\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-summary\">{}</desc>",
        Tenths(WIDTH),
        Tenths(HEIGHT),
        Tenths(WIDTH),
        Tenths(HEIGHT),
        Escaped(&plot.title),
        Escaped(&summary(plot)),
    );
    for tick in scale.ticks() {
        let y = BASE.saturating_sub(scale.height(tick, INNER_HEIGHT));
        let class = if tick == 0 {
            "chart-base"
        } else {
            "chart-grid"
        };
        put(
            &mut text,
            format_args!(
                "<line class=\"{class}\" x1=\"{}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>\
                 <text class=\"chart-number\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                Tenths(LEFT),
                Tenths(WIDTH - RIGHT),
                Tenths(LEFT - 80),
                Tenths(y.saturating_add(40)),
                scale::short(tick),
                y = Tenths(y),
            ),
        );
    }
    for at in labelled(plot.days.len()) {
        let Some(day) = plot.days.get(at) else {
            continue;
        };
        let x = middle(plot, at);
        // At the edges a text in the middle would leave the box.
        let anchor = match x {
            x if x > WIDTH - RIGHT - 200 => "end",
            x if x < LEFT + 200 => "start",
            _ => "middle",
        };
        put(
            &mut text,
            format_args!(
                "<text class=\"chart-date\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                Tenths(x),
                Tenths(HEIGHT - 80),
                Escaped(&short(day, plot.bucket)),
            ),
        );
    }
    text
}

/// What lies under the pointer, and the end.
fn end(mut text: String, plot: &Plot) -> String {
    text.push_str("<g class=\"chart-hits\">");
    for (at, day) in plot.days.iter().enumerate() {
        let (left, right) = (edge(plot, at), edge(plot, at.saturating_add(1)));
        let values: Vec<String> = plot
            .sets
            .iter()
            .map(|set| plot.value(set, at).to_string())
            .collect();
        put(
            &mut text,
            format_args!(
                "<rect class=\"chart-hit\" fill=\"none\" pointer-events=\"all\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
                 data-day=\"{}\" data-values=\"{}\"><title>{}</title></rect>",
                Tenths(left),
                Tenths(TOP),
                Tenths(right.saturating_sub(left)),
                Tenths(INNER_HEIGHT),
                Escaped(day),
                values.join(","),
                Escaped(&tooltip(plot, at, day)),
            ),
        );
    }
    text.push_str("</g></svg>");
    text
}

/// `21 November 2026: 7 installs`, and where there are several sets, what of each.
fn tooltip(plot: &Plot, at: usize, day: &str) -> String {
    let mut text = format!(
        "{}: {} {}",
        long(day, plot.bucket),
        plot.sum_at(at),
        plot.unit
    );
    if plot.sets.len() > 1 {
        let of = |set: &&Set| plot.value(set, at) > 0;
        for set in plot.sets.iter().filter(of) {
            put(
                &mut text,
                format_args!("; {}: {}", set.name, plot.value(set, at)),
            );
        }
    }
    text
}

/// What the chart says, for whoever does not see it.
fn summary(plot: &Plot) -> String {
    let (Some(first), Some(last)) = (plot.days.first(), plot.days.last()) else {
        return format!("No {}", plot.unit);
    };
    let (first, last) = (long(first, plot.bucket), long(last, plot.bucket));
    let highest = (0..plot.days.len())
        .rev()
        .max_by_key(|at| plot.sum_at(*at))
        .filter(|at| plot.sum_at(*at) > 0);
    let Some((at, day)) = highest.and_then(|at| Some((at, plot.days.get(at)?))) else {
        return format!("No {} from {first} to {last}", plot.unit);
    };
    format!(
        "{} {} from {first} to {last}, most of them, {}, on {}",
        plot.total(),
        plot.unit,
        plot.sum_at(at),
        long(day, plot.bucket).trim_start_matches("week of "),
    )
}

fn count(plot: &Plot) -> u64 {
    u64::try_from(plot.days.len()).unwrap_or(u64::MAX).max(1)
}

/// Where a bucket begins.
fn edge(plot: &Plot, at: usize) -> u64 {
    let at = u64::try_from(at).unwrap_or(u64::MAX);
    LEFT.saturating_add(scaled(at, INNER_WIDTH, count(plot)))
}

/// The middle of a bucket.
fn middle(plot: &Plot, at: usize) -> u64 {
    edge(plot, at).saturating_add(edge(plot, at.saturating_add(1))) / 2
}

fn joined(points: &[(u64, u64)]) -> String {
    let texts: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{},{}", Tenths(*x), Tenths(*y)))
        .collect();
    texts.join(" ")
}
