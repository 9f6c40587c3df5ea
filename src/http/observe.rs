//! What is told of a request after its answer: a line in the log and a point for the counters.
//!
//! Neither has anything of the address, a header or a body in it: the route by its name, people and things by their ids.

use std::future::Future;
use std::pin::Pin;

use crate::app::App;
use crate::config::LoggedRequests;
use crate::ports::{DataPoint, Observation, RouteName, Source, observed};

/// From how many milliseconds on a request is slow: no answer of ours takes as long unless something else is in trouble.
pub const SLOW: i64 = 1_000;

/// What a route is called that is none.
const NO_ROUTE: RouteName = RouteName("", "none");

/// No line is longer but for an id that somebody gave himself.
const LINE_BYTES: usize = 384;

/// Answers a request by `answering`, which gives the answer and its status, and tells of it as the settings say; where there
/// is no status, whoever else answered tells of it.
pub async fn observe<T>(
    app: &App,
    method: &str,
    answering: Pin<&mut impl Future<Output = (T, Option<u16>)>>,
) -> T {
    let began = app.clock.milliseconds();
    let ((answer, status), seen) = observed(answering).await;
    let Some(status) = status else {
        return answer;
    };
    let answered = Answered {
        method,
        status,
        milliseconds: app.clock.milliseconds().saturating_sub(began),
        seen,
    };
    let is_told = match app.config.logged_requests {
        LoggedRequests::All => true,
        LoggedRequests::SlowAndFailed => answered.is_slow_or_failed(),
        LoggedRequests::Off => false,
    };
    if is_told {
        app.log.json_line(&answered.line());
    }
    if let Some(counters) = &app.counters {
        counters.count(&answered.data_point());
    }
    answer
}

/// A request that was answered.
struct Answered<'a> {
    method: &'a str,
    status: u16,
    /// Until the answer was handed over; its body may still be on its way. In a Worker the clock moves at I/O only.
    milliseconds: i64,
    seen: Observation,
}

impl Answered<'_> {
    fn is_slow_or_failed(&self) -> bool {
        self.status >= 500 || self.milliseconds >= SLOW
    }

    fn route(&self) -> RouteName {
        self.seen.route.unwrap_or(NO_ROUTE)
    }

    /// The line, in one buffer: it is written for each request where all are logged.
    fn line(&self) -> String {
        let seen = &self.seen;
        let level = if self.status >= 500 {
            "warning"
        } else {
            "info"
        };
        let RouteName(area, name) = self.route();
        let mut line = Line(String::with_capacity(LINE_BYTES));
        line.raw("{\"level\":\"").raw(level);
        line.raw("\",\"message\":\"request\",\"route\":\"");
        line.raw(area).raw(name);
        line.raw("\",\"method\":\"").raw(known_method(self.method));
        line.raw("\",\"status\":").number(self.status);
        if let Some(principal) = &seen.principal {
            line.raw(",\"principal\":\"").id(&principal.token).raw("\"");
        }
        if let Some(organisation) = seen.organisation {
            line.raw(",\"organisation\":").number(organisation);
        }
        if let Some(repository) = seen.repository {
            line.raw(",\"repository\":").number(repository);
        }
        if let Some(source) = seen.source {
            line.raw(",\"from\":\"").raw(source.as_str()).raw("\"");
        }
        line.raw(",\"d1_calls\":").number(seen.d1_calls);
        line.raw(",\"d1_statements\":").number(seen.d1_statements);
        line.raw(",\"kv_reads\":").number(seen.kv_reads);
        line.raw(",\"r2_reads\":").number(seen.r2_reads);
        line.raw(",\"queue_sends\":").number(seen.queue_sends);
        line.raw(",\"ms\":").number(self.milliseconds).raw("}");
        line.0
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a request takes no 285,000 years"
    )]
    fn data_point(&self) -> DataPoint {
        let seen = &self.seen;
        let RouteName(area, name) = self.route();
        let class = match self.status {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        DataPoint {
            index: seen
                .organisation
                .map(|id| id.to_string())
                .unwrap_or_default(),
            blobs: [
                [area, name].concat(),
                class.to_owned(),
                seen.source.map_or("", Source::as_str).to_owned(),
            ],
            doubles: [
                self.milliseconds as f64,
                f64::from(seen.d1_calls),
                f64::from(seen.kv_reads),
                f64::from(seen.r2_reads),
                f64::from(seen.queue_sends),
            ],
        }
    }
}

/// A client may call its method anything.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| *known == method);
    known.unwrap_or("OTHER")
}

struct Line(String);

impl Line {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.0.push_str(itoa::Buffer::new().format(number));
        self
    }

    /// Ids are ours, of letters and digits; nothing else of one gets into a line.
    fn id(&mut self, id: &str) -> &mut Self {
        let plain =
            |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
        self.0.extend(id.chars().filter(plain));
        self
    }
}
