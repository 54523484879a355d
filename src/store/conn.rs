//! `Conn` and `db!`: the only place where a query meets one of the two back ends.

use std::future::Future;

use diesel::SqliteConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Object;

use crate::error::StoreError;

/// A connection, inside a closure given to [`crate::Store::read`] or [`crate::Store::write`].
#[expect(clippy::large_enum_variant, reason = "there are as many as connections")]
pub enum Conn {
    /// SQLite: every query is finished on its first poll.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Pg(Object<AsyncPgConnection>),
}

/// Runs one query, checked against both back ends.
macro_rules! db {
    ($conn:expr, |$c:ident| $body:expr) => {
        match &mut *$conn {
            $crate::conn::Conn::Sqlite($c) => {
                use $crate::conn::inline::RunQueryDsl as _;
                $body
            }
            $crate::conn::Conn::Pg($c) => {
                use diesel_async::RunQueryDsl as _;
                let $c: &mut diesel_async::AsyncPgConnection = &mut *$c;
                $body
            }
        }
    };
}

/// What query modules import; diesel's own prelude would bring its synchronous `RunQueryDsl` along.
pub(crate) mod query {
    pub(crate) use diesel::{
        AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
        NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable,
        SelectableHelper,
    };
}

/// Diesel's synchronous calls under the asynchronous names: they are done before they are awaited.
pub(crate) mod inline {
    use std::future::{Ready, ready};

    use diesel::query_dsl::methods::{ExecuteDsl, LoadQuery};
    use diesel::{QueryResult, SqliteConnection};

    pub(crate) trait RunQueryDsl: Sized {
        fn execute(self, conn: &mut SqliteConnection) -> Ready<QueryResult<usize>>
        where
            Self: ExecuteDsl<SqliteConnection> + diesel::RunQueryDsl<SqliteConnection>,
        {
            ready(diesel::RunQueryDsl::execute(self, conn))
        }

        fn load<'q, U>(self, conn: &mut SqliteConnection) -> Ready<QueryResult<Vec<U>>>
        where
            Self: LoadQuery<'q, SqliteConnection, U>,
        {
            ready(diesel::RunQueryDsl::load(self, conn))
        }

        fn get_result<'q, U>(self, conn: &mut SqliteConnection) -> Ready<QueryResult<U>>
        where
            Self: LoadQuery<'q, SqliteConnection, U>,
        {
            ready(diesel::RunQueryDsl::get_result(self, conn))
        }
    }

    impl<T> RunQueryDsl for T {}
}

/// An `async` closure whose future may move between threads, which a bound on `AsyncFnOnce` alone
/// cannot say.
pub trait SendAsyncFn<A, O> {
    /// The future it returns.
    type Fut: Future<Output = O> + Send;
    /// Calls it.
    fn run(self, argument: A) -> Self::Fut;
}

impl<F, A, O, Fut> SendAsyncFn<A, O> for F
where
    F: FnOnce(A) -> Fut,
    Fut: Future<Output = O> + Send,
{
    type Fut = Fut;

    fn run(self, argument: A) -> Fut {
        self(argument)
    }
}

pub(crate) async fn ping(db: &mut Conn) -> Result<(), StoreError> {
    db!(db, |c| diesel::sql_query("SELECT 1").execute(c).await)?;
    Ok(())
}

/// Runs several statements as they are.
pub(crate) async fn batch(db: &mut Conn, sql: &str) -> Result<(), StoreError> {
    match db {
        Conn::Sqlite(c) => diesel::connection::SimpleConnection::batch_execute(c, sql)?,
        Conn::Pg(c) => diesel_async::SimpleAsyncConnection::batch_execute(&mut **c, sql).await?,
    }
    Ok(())
}
