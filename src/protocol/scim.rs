//! Provisioning by another directory (SCIM 2.0): its schemas, filters, patches and errors as values and pure functions
//! (RFC 7643, RFC 7644). Whatever is written passes the schema, so nothing outside of it can be.

pub mod date;
pub mod error;
pub mod evaluate;
pub mod filter;
pub mod patch;
pub mod project;
pub mod resource;
pub mod schema;

pub use error::{ScimError, ScimType};

/// The media type of requests and answers (RFC 7644 §8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
/// The schema of a list (RFC 7644 §3.4.2).
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of a search by POST (RFC 7644 §3.4.3).
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The schema of a patch (RFC 7644 §3.5.2).
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The schema of an error (RFC 7644 §3.12).
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
