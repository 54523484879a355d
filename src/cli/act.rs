//! What commands do through the operations that all of administration shares.

use store::{Conn, SendAsyncFn, StoreError};

use super::{Context, Failure, Outcome, output};
use crate::administration::{Actor, Refused};

/// Whoever has a shell here.
pub(super) fn actor() -> Actor {
    Actor::command_line()
}

impl Context {
    /// Does something to the `noun` of this name in one transaction.
    pub(super) async fn act<T, F>(&self, noun: &str, name: &str, act: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<Result<T, Refused>, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<Result<T, Refused>, StoreError>>
            + Send
            + 'static,
    {
        match self.store.write(act).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(refused)) => Err(failure(noun, name, &refused)),
            Err(StoreError::Withdrawn(_)) => Err(failure(noun, name, &Refused::LastAdministrator)),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the `noun` of this name, and says so.
    pub(super) async fn delete<F>(&self, noun: &str, name: &str, act: F) -> Outcome
    where
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<Result<(), Refused>, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<Result<(), Refused>, StoreError>>
            + Send
            + 'static,
    {
        self.act(noun, name, act).await?;
        output::line(format_args!("deleted {noun} {name}"));
        Ok(())
    }
}

fn failure(noun: &str, name: &str, refused: &Refused) -> Failure {
    match refused {
        Refused::NotFound => Failure::missing(noun, name),
        Refused::Conflict(_) => Failure(format!(
            "{noun} {name:?} exists; choose another name or use `chancery {noun} update`"
        )),
        refused => Failure(refused.says()),
    }
}
