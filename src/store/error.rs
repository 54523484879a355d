//! Why the store could not do what it was asked.

use diesel::result::{DatabaseErrorKind, Error};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting, or no connection came free in time.
    #[error("the database is busy")]
    Busy,
    /// The database is away, or ended what it was asked; it is worth trying again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
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
    /// A migration was applied that this version does not know.
    #[error("the database was migrated by a newer version of chancery; use that one")]
    Newer,
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
    /// Whether the connection may be lost too: what the server ends it says on a connection that goes on.
    pub(crate) fn ends_connection(&self) -> bool {
        let goes_on = ["canceling statement", "deadlock detected", "could not "];
        match self {
            StoreError::Unavailable(told) => !goes_on.iter().any(|beginning| told.starts_with(beginning)),
            _ => false,
        }
    }

    pub(crate) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Database(error.into())
    }
}

/// How PostgreSQL begins what it says when it ends a statement or a connection, is short of something, or lets nobody in.
/// Its codes (57014, 57P01 to 57P03, 40P01, 55P03, class 53, class 08) do not come through diesel.
const AWAY: &[&str] = &[
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "deadlock detected",
    "could not obtain lock",
    "out of memory",
    "out of shared memory",
    "could not extend file",
    "could not write to file",
    "temporary file size exceeds",
    "sorry, too many clients",
    "too many connections",
    "remaining connection slots",
    "connection closed",
    "channel closed",
    "error communicating with the server",
    "timeout waiting for server",
    "server closed the connection",
    "server conn crashed",
    "query_wait_timeout",
];

fn is_away(kind: &DatabaseErrorKind, message: &str) -> bool {
    match kind {
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::ReadOnlyTransaction
        | DatabaseErrorKind::SerializationFailure => true,
        DatabaseErrorKind::Unknown | DatabaseErrorKind::UnableToSendCommand => {
            AWAY.iter().any(|beginning| message.starts_with(beginning))
        }
        _ => false,
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
            Error::DatabaseError(kind, info) if is_away(&kind, info.message()) => {
                StoreError::Unavailable(info.message().to_owned())
            }
            Error::RollbackErrorOnCommit { commit_error, .. } => StoreError::from(*commit_error),
            other => StoreError::other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_told_from_one_that_was_asked_wrong() {
        let of =
            |kind, message: &str| StoreError::from(Error::DatabaseError(kind, Box::new(message.to_owned())));
        let away = [
            (
                DatabaseErrorKind::Unknown,
                "canceling statement due to statement timeout",
            ),
            (
                DatabaseErrorKind::Unknown,
                "terminating connection due to administrator command",
            ),
            (DatabaseErrorKind::Unknown, "the database system is starting up"),
            (DatabaseErrorKind::Unknown, "deadlock detected"),
            (DatabaseErrorKind::UnableToSendCommand, "connection closed"),
            (
                DatabaseErrorKind::SerializationFailure,
                "could not serialize access",
            ),
            (
                DatabaseErrorKind::ReadOnlyTransaction,
                "cannot execute INSERT in a read-only transaction",
            ),
        ];
        for (kind, message) in away {
            let error = of(kind, message);
            assert!(
                matches!(error, StoreError::Unavailable(_)),
                "{message}: {error:?}"
            );
        }
        for (kind, message) in [
            (DatabaseErrorKind::Unknown, "column \"x\" does not exist"),
            (
                DatabaseErrorKind::UnableToSendCommand,
                "error serializing parameter 1",
            ),
        ] {
            assert!(matches!(of(kind, message), StoreError::Database(_)), "{message}");
        }
    }
}
