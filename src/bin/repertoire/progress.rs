//! Watching what goes on until it ends: drawn on a terminal, told in lines elsewhere.

use std::fmt::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::calls::Call;
use crate::context::Context;
use crate::failure::{Failure, Result};

/// How something is watched.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pace {
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = read_seconds)]
    interval: Duration,
    /// Give up watching after so many seconds, with code 6; what is watched goes on
    #[arg(long, value_name = "SECONDS", value_parser = read_seconds)]
    timeout: Option<Duration>,
}

fn read_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "write a number of seconds".to_owned())?;
    let read = Duration::try_from_secs_f64(seconds).ok();
    // Faster than that only wears the registry out.
    read.filter(|pause| *pause >= Duration::from_millis(100))
        .ok_or_else(|| "write at least 0.1 seconds".to_owned())
}

/// Looks at a job or an import until it has ended, shows what became of it, and fails if it did.
pub(crate) fn watch(context: &Context<'_>, call: Call, id: &str, pace: &Pace) -> Result {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is the rule of the program at the edge; this one is native alone"
    )]
    let begun = Instant::now();
    let bar = context.output.draws().then(|| {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len}  {elapsed}");
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    let mut told = String::new();
    let ended = loop {
        let mut answer = context.call(call, &[id])?;
        let bytes = answer.bytes()?;
        let seen: Value =
            serde_json::from_slice(&bytes).map_err(|_| Failure::failed("The answer is no JSON"))?;
        let line = describe(&seen);
        match &bar {
            Some(bar) => {
                bar.set_length(number(&seen, "total"));
                bar.set_position(number(&seen, "done"));
                bar.set_message(line);
            }
            // Only what is new: a log is read later.
            None if line != told => {
                context.output.note(&line);
                told = line;
            }
            None => {}
        }
        if matches!(state(&seen), "done" | "failed" | "cancelled") {
            break (bytes, seen);
        }
        if pace
            .timeout
            .is_some_and(|timeout| begun.elapsed() >= timeout)
        {
            return Err(Failure::unreachable(format!(
                "It is still `{}`; watch on by `repertoire jobs watch {id}`",
                state(&seen)
            )));
        }
        sleep(pace.interval);
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let (bytes, seen) = ended;
    if context.output.json {
        context.output.raw(&bytes)?;
        context.output.raw(b"\n")?;
    } else {
        context.output.fields(&seen)?;
    }
    if state(&seen) == "done" {
        return Ok(());
    }
    let why = seen.get("message").and_then(Value::as_str);
    let counted = format!("{} failed", number(&seen, "failed"));
    Err(Failure::failed(format!(
        "It ended as `{}`: {}",
        state(&seen),
        why.unwrap_or(&counted)
    )))
}

/// The same, where the answer that began a job names it; nothing where it began none.
pub(crate) fn watch_begun(context: &Context<'_>, begun: &Value, call: Call, pace: &Pace) -> Result {
    let id = ["/job/id", "/import/id"]
        .iter()
        .find_map(|place| begun.pointer(place)?.as_str());
    if let Some(id) = id {
        return watch(context, call, id, pace);
    }
    context.output.note("There is nothing to do.");
    if context.output.json {
        return context.output.value(begun);
    }
    Ok(())
}

fn state(seen: &Value) -> &str {
    seen.get("state")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(seen: &Value, name: &str) -> u64 {
    let progress = seen.get("progress");
    progress
        .and_then(|progress| progress.get(name)?.as_u64())
        .unwrap_or(0)
}

/// `running: 40 of 122, 38 imported, 2 skipped, 82 waiting`.
fn describe(seen: &Value) -> String {
    let (total, done) = (number(seen, "total"), number(seen, "done"));
    let mut text = format!("{}: {done} of {total}", state(seen));
    let progress = seen.get("progress").and_then(Value::as_object);
    for (name, count) in progress.into_iter().flatten() {
        let count = count.as_u64().unwrap_or(0);
        if count > 0 && name != "total" && name != "done" {
            let _ = write!(text, ", {count} {name}");
        }
    }
    if total > done {
        let _ = write!(text, ", {} waiting", total.saturating_sub(done));
    }
    if let Some(message) = seen.get("message").and_then(Value::as_str) {
        let _ = write!(text, " ({message})");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_told_in_a_line() {
        let seen = json!({"state": "running", "message": null, "progress":
            {"total": 122, "done": 40, "imported": 38, "unchanged": 0, "skipped": 2, "failed": 0, "removed": 0}});
        assert_eq!(
            describe(&seen),
            "running: 40 of 122, 38 imported, 2 skipped, 82 waiting"
        );
        let waits = json!({"state": "queued", "message": "the host asks for a pause", "progress": {"total": 0, "done": 0}});
        assert_eq!(
            describe(&waits),
            "queued: 0 of 0 (the host asks for a pause)"
        );
    }
}
