//! Structured lines on the console, one JSON object each, as the platform's log search reads them.

use web_sys::console;

use crate::ports::{Level, Log};

/// The console of the isolate.
pub(super) struct Console;

impl Log for Console {
    fn line(&self, level: Level, message: &str) {
        let (write, name): (fn(&wasm_bindgen::JsValue), &str) = match level {
            Level::Info => (console::log_1, "info"),
            Level::Warning => (console::warn_1, "warning"),
            Level::Error => (console::error_1, "error"),
        };
        let line = serde_json::json!({ "level": name, "message": message });
        write(&line.to_string().into());
    }

    fn json_line(&self, line: &str) {
        console::log_1(&line.into());
    }
}
