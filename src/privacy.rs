//! What people may ask of whoever keeps their data: a copy of all of it, and that it goes. Surfaces ask here, and so do
//! the jobs that let go of what nobody needs any more.

use serde_json::Value;
use store::Account;

use crate::app::App;
use crate::pages::Locale;

mod consent;
mod erase;
mod export;
mod leave;
mod retention;

pub(crate) use consent::record as consent_record;
pub(crate) use erase::{Erasure, ErasureKeys};
pub(crate) use export::export;
pub(crate) use leave::{Kept, Left, find_kept, keep, leave};
pub use retention::{Retained, look_after};

/// The language for mails that nobody waits for in a browser: the one that the profile names.
fn locale(app: &App, account: &Account) -> Locale {
    let named = account.claims.get("locale").and_then(Value::as_str);
    app.pages.locale(named, None)
}
