//! The server from outside, over HTTP, as clients and browsers meet it. The database comes from
//! `TEST_DATABASE_URL`, or is a temporary SQLite file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod federation;
mod layout;
mod login;
mod oauth;
mod operation;
mod support;
