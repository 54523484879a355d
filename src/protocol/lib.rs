//! What the OAuth 2.0 and OpenID Connect specifications say, as values and pure functions:
//! no clock, no randomness, no sockets, no database.

pub mod access;
pub mod access_token;
pub mod account;
pub mod api_key;
pub mod authorization;
pub mod claims;
pub mod client;
pub mod client_auth;
pub mod error;
pub mod grant;
pub mod id;
pub mod id_token;
pub mod interaction;
pub mod introspection;
pub mod jose;
pub mod json;
pub mod logout;
pub mod metadata;
pub mod permission;
pub mod pkce;
pub mod profile;
pub mod resource;
pub mod response;
pub mod role;
pub mod scim;
pub mod scope;
pub mod secret;
pub mod session;
pub mod time;
pub mod token_request;
pub mod upstream;
