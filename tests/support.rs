//! A server for each test, and the clients and browsers that call it.

mod authenticator;
mod browser;
mod database;
mod http;
mod mail;
mod server;
mod smtp;

pub(crate) use authenticator::{Authenticator, PasskeyBox};
pub(crate) use browser::{Browser, Form};
pub(crate) use database::Database;
pub(crate) use http::{Answer, Request, basic, query_of};
pub(crate) use mail::ReceivedMail;
pub(crate) use server::{CHALLENGE, Server, VERIFIER};
pub(crate) use smtp::MailServer;
