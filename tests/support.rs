//! A server for each test, and the clients and browsers that call it.

mod browser;
mod http;
mod server;

pub(crate) use browser::{Browser, Form};
pub(crate) use http::{Answer, Request, basic, query_of};
pub(crate) use server::{CHALLENGE, Server, VERIFIER, fresh_database};
