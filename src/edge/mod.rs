//! The only room that names `worker`: it converts and decides nothing.
