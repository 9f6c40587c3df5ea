//! The native tests: one binary, so that there is one link step.
