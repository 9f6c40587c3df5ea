//! Pure values and rules: no I/O, no clock, no async, no SQL, no HTTP.

pub mod name;

mod scan;
pub mod stability;
pub mod version;

pub mod branch;
pub mod constraint;
pub mod policy;
pub mod tag_version;

pub mod email;
pub mod entry;
pub mod funding;
pub mod generic_hook;
pub mod git;
pub mod git_archive;
pub mod host_facts;
pub mod manifest;
pub mod markdown;
pub mod metadata;
pub mod minify;
pub mod monorepo;
pub mod plain_git;
pub mod project_patterns;
pub mod root_document;
pub mod search;
pub mod settings;

pub mod definition;
pub mod form_data;
pub mod upload;

pub mod archive;
pub mod audit;
pub mod blob;
pub mod tree;

pub mod composer_1;

pub mod access;
pub mod chart;
pub mod client;
pub mod dns;
pub mod host_claim;
pub mod host_name;
pub mod jwt;
pub mod one_time_code;
pub mod passkey;
pub mod password;
pub mod quota;
pub mod reader;
pub mod recovery_code;
pub mod rsa_key;
pub mod sign_in;
pub mod signature;
pub mod statistics;
pub mod token;

pub mod time;
