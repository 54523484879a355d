//! What roles, scopes, resource servers and upstreams have in common: the texts they may hold, and lists that are small
//! enough to be cut in memory.

use std::collections::BTreeSet;

use serde_json::Value;
use store::{Conn, SendAsyncFn, StoreError};
use utoipa::ToSchema;

use super::listing::{Listed, Slice};
use super::{Outcome, Refused, settle};
use crate::app::App;
use crate::declarative::is_name;
use crate::error::Error;

/// What is said about second factors, weakest first.
#[derive(ToSchema)]
#[schema(as = MfaPolicy, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it describes how MfaPolicy is written")]
pub(crate) enum MfaPolicyName {
    /// Only when a request asks for it.
    Off,
    /// Where the account has one.
    IfEnrolled,
    /// Always.
    Required,
}

/// The most characters of a description.
const MAX_SENTENCE: usize = 500;
/// The most names in one list.
pub(crate) const MAX_NAMES: usize = 500;

/// Refuses what cannot name a role or a permission.
pub(crate) fn check_name(member: &str, name: &str) -> Result<(), Refused> {
    if is_name(name) {
        return Ok(());
    }
    let problem = "must be 1 to 255 printable ASCII characters without spaces";
    Err(Refused::invalid(member, problem))
}

/// Refuses names that cannot be, and too many of them.
pub(crate) fn check_names(member: &str, names: &BTreeSet<String>) -> Result<(), Refused> {
    if names.len() > MAX_NAMES {
        return Err(Refused::invalid(member, format!("must be at most {MAX_NAMES}")));
    }
    names.iter().try_for_each(|name| check_name(member, name))
}

/// Refuses what is no short sentence.
pub(crate) fn check_sentence(member: &str, text: &str) -> Result<(), Refused> {
    if text.chars().count() <= MAX_SENTENCE && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let problem = format!("must be at most {MAX_SENTENCE} characters without line breaks");
    Err(Refused::invalid(member, problem))
}

/// Does something to the catalogue in one transaction, and reads it anew at its next use here.
pub(super) async fn write<T, F>(app: &App, act: F) -> Outcome<T>
where
    T: Send + 'static,
    F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<Result<T, Refused>, StoreError>
        + for<'c> SendAsyncFn<&'c mut Conn, Result<Result<T, Refused>, StoreError>>
        + Send
        + 'static,
{
    let done = app.store.write(act).await;
    app.forget_catalogue();
    settle(done)
}

/// The piece of a whole list that is asked for, in the order of the names.
pub(crate) fn cut<T>(
    mut all: Vec<T>,
    slice: &Slice,
    name: impl Fn(&T) -> &str,
) -> Result<Listed<T>, Error<Refused>> {
    let after: Option<String> = slice.position()?;
    all.sort_by(|one, other| name(one).cmp(name(other)));
    if slice.descending {
        all.reverse();
    }
    if let Some(after) = after.as_deref() {
        all.retain(|entry| match slice.descending {
            true => name(entry) < after,
            false => name(entry) > after,
        });
    }
    Ok(slice.cut(all, |entry| name(entry).to_owned())?)
}

/// The members in which two things differ, by the names they are shown under.
pub(crate) fn changed<T: serde::Serialize>(old: &T, new: &T) -> Vec<String> {
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) =
        (serde_json::to_value(old), serde_json::to_value(new))
    else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |name: &&&String| old.get(**name) != new.get(**name);
    names.iter().filter(differs).map(|name| (*name).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_one_another_in_both_directions() {
        let all = || ["b", "a", "c"].map(str::to_owned).to_vec();
        for (descending, after, items, next) in [
            (false, None, vec!["a", "b"], Some("b")),
            (false, Some("b"), vec!["c"], None),
            (true, None, vec!["c", "b"], Some("b")),
            (true, Some("b"), vec!["a"], None),
        ] {
            let slice = Slice {
                limit: 2,
                descending,
                after: after.map(Value::from),
                ..Slice::first("name")
            };
            let piece = cut(all(), &slice, |name| name).unwrap();
            assert_eq!(
                (piece.items, piece.next),
                (
                    items.iter().map(ToString::to_string).collect(),
                    next.map(Value::from)
                )
            );
        }
        let odd = Slice {
            after: Some(Value::from(5)),
            ..Slice::first("name")
        };
        assert!(cut(all(), &odd, |name| name).is_err());
    }

    #[test]
    fn names_and_sentences_are_bounded() {
        assert_eq!(check_name("name", "books:write"), Ok(()));
        for name in ["", "a b", "ä", "a\n", &"x".repeat(256)] {
            assert!(check_name("name", name).is_err(), "{name:?}");
        }
        assert_eq!(check_sentence("description", "Größe"), Ok(()));
        for text in ["a\u{1b}[2J", "a\nb", &"x".repeat(501)] {
            assert!(check_sentence("description", text).is_err());
        }
        let many = (0..=MAX_NAMES).map(|number| number.to_string()).collect();
        assert!(check_names("permissions", &many).is_err());
    }
}
