//! Why the store could not do what it was asked.

use diesel::result::{DatabaseErrorKind, Error};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting, or no connection came free in time.
    #[error("the database is busy")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Something else has this unique value already.
    #[error("{what} is taken")]
    Conflict {
        /// What must be unique.
        what: String,
    },
    /// Something that is referred to does not exist.
    #[error("a referenced record does not exist ({what})")]
    Reference {
        /// What the database said.
        what: String,
    },
    /// The URL of the database cannot be used.
    #[error("{0}")]
    Url(String),
    /// A record does not hold what it must.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// A closure panicked; nothing of it was kept.
    #[error("a database operation panicked")]
    Panicked,
    /// A closure waited for something that is not a query.
    #[error("a database operation waited for something else than the database")]
    Suspended,
    /// Whoever made the changes of a transaction took them back, for this reason.
    #[error("the changes were taken back: {0}")]
    Withdrawn(&'static str),
    /// Anything else the database said.
    #[error("database: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    pub(crate) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Database(error.into())
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                let what = info
                    .constraint_name()
                    .unwrap_or_else(|| info.message())
                    .to_owned();
                StoreError::Conflict { what }
            }
            Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info) => {
                let what = info
                    .constraint_name()
                    .unwrap_or_else(|| info.message())
                    .to_owned();
                StoreError::Reference { what }
            }
            Error::DatabaseError(_, info) if info.message().contains("database is locked") => {
                StoreError::Busy
            }
            other => StoreError::other(other),
        }
    }
}
