//! Why something is not done, in the words of RFC 7644 §3.12.

use serde_json::{Value, json};

use super::ERROR;

/// What is wrong with a request, for programs (RFC 7644 §3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter cannot be understood.
    InvalidFilter,
    /// More would have to be looked at than is allowed.
    TooMany,
    /// Something else has this unique value.
    Uniqueness,
    /// The attribute cannot be changed.
    Mutability,
    /// The body does not have the form of the request.
    InvalidSyntax,
    /// The path of a patch names nothing.
    InvalidPath,
    /// The path of a patch matches nothing.
    NoTarget,
    /// A value is missing or cannot be.
    InvalidValue,
}

impl ScimType {
    /// The registered keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::Uniqueness => "uniqueness",
            ScimType::Mutability => "mutability",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
        }
    }

    fn status(self) -> u16 {
        match self {
            ScimType::Uniqueness => 409,
            _ => 400,
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The keyword, where there is one for it.
    pub scim_type: Option<ScimType>,
    /// A sentence for people.
    pub detail: String,
}

impl ScimError {
    /// A refusal that has a keyword.
    pub fn of(scim_type: ScimType, detail: impl Into<String>) -> ScimError {
        ScimError {
            status: scim_type.status(),
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    /// A refusal that is told by its status.
    pub fn status(status: u16, detail: impl Into<String>) -> ScimError {
        ScimError {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    /// A value of this attribute cannot be.
    pub fn value(attribute: &str, problem: impl AsRef<str>) -> ScimError {
        ScimError::of(
            ScimType::InvalidValue,
            format!("{attribute} {}", problem.as_ref()),
        )
    }

    /// The filter cannot be understood.
    pub fn filter(detail: impl Into<String>) -> ScimError {
        ScimError::of(ScimType::InvalidFilter, detail)
    }

    /// The body of the answer.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "schemas": [ERROR],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(members)) = (self.scim_type, document.as_object_mut()) {
            members.insert("scimType".to_owned(), scim_type.as_str().into());
        }
        document
    }
}
