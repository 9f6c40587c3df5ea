//! Structured log lines.

/// Where lines for the operator go. Never a secret, never a body.
pub trait Log {
    /// One line: what happened, with its identifiers in the sentence.
    fn line(&self, level: Level, message: &str);

    /// One line that is a JSON object already.
    fn json_line(&self, line: &str);
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Someone should look.
    Warning,
    /// Something failed.
    Error,
}
