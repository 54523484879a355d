//! Lists of accounts: what an index can answer is asked of the database, all else is looked at one by one, up to a
//! bound (RFC 7644 §3.4.2).

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::scim::filter::{AttributePath, Filter, Operand, Operator};
use protocol::scim::{ScimError, ScimType, evaluate};
use protocol::time::Timestamp;
use store::scim::{self, Order, Piece, Selection};
use store::{Conn, StoreError};
use uuid::Uuid;

use super::person::Person;
use super::{Declined, Provisioned, Resource, admit, root, settled};
use crate::administration::Actor;
use crate::app::App;

/// The most resources in an answer.
pub(crate) const MAX_COUNT: usize = 200;
/// The most resources that are looked at one by one for an answer.
pub(crate) const MAX_SCANNED: usize = 2000;

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// Which resources; all of them when absent.
    pub(crate) filter: Option<Filter>,
    /// What to sort by.
    pub(crate) sort: Option<AttributePath>,
    /// Whether the greatest comes first.
    pub(crate) descending: bool,
    /// The place of the first one wanted, from 1.
    pub(crate) start: usize,
    /// How many.
    pub(crate) count: usize,
}

/// A part of what was found.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// How many were found.
    pub(crate) total: usize,
    /// Those wanted.
    pub(crate) resources: Vec<Resource>,
}

/// A list of accounts.
pub(crate) async fn list(app: &App, actor: &Actor, search: Search) -> Provisioned<Page> {
    admit(actor)?;
    let (root, now) = (root(app), app.now());
    let done = app
        .store
        .scan(async move |db: &mut Conn| {
            let exact = match &search.filter {
                None => Some(Selection::default()),
                Some(filter) => exactly(filter),
            };
            match (exact, order(search.sort.as_ref())) {
                (Some(selection), Some(order)) => {
                    page(db, &selection, order, &search, now, &root).await.map(Ok)
                }
                _ => scan(db, &search, now, &root).await,
            }
        })
        .await;
    settled(done)
}

/// The order that an index has, if it is such a one.
fn order(sort: Option<&AttributePath>) -> Option<Order> {
    let Some(path) = sort else {
        return Some(Order::Created);
    };
    [
        ("userName", Order::Username),
        ("meta.created", Order::Created),
        ("meta.lastModified", Order::Updated),
    ]
    .into_iter()
    .find_map(|(name, order)| path.is(name).then_some(order))
}

async fn page(
    db: &mut Conn,
    selection: &Selection,
    order: Order,
    search: &Search,
    now: Timestamp,
    root: &str,
) -> Result<Page, StoreError> {
    let total = usize::try_from(scim::count(db, selection).await?).unwrap_or_default();
    let piece = Piece {
        order,
        descending: search.descending,
        offset: i64::try_from(search.start.saturating_sub(1)).unwrap_or(i64::MAX),
        limit: i64::try_from(search.count).unwrap_or(i64::MAX),
    };
    let found = match search.count {
        0 => Vec::new(),
        _ => scim::list(db, selection, piece).await?,
    };
    let people = Person::all(db, found, now).await?;
    Ok(Page {
        total,
        resources: people.iter().map(|person| person.shown(root)).collect(),
    })
}

/// Looks at each account that may be meant.
async fn scan(
    db: &mut Conn,
    search: &Search,
    now: Timestamp,
    root: &str,
) -> Result<Result<Page, Declined>, StoreError> {
    let everything = || vec![Selection::default()];
    let selections = search.filter.as_ref().map_or_else(everything, alternatives);
    let piece = Piece {
        limit: i64::try_from(MAX_SCANNED + 1).unwrap_or(i64::MAX),
        ..Piece::default()
    };
    let mut seen: BTreeSet<AccountId> = BTreeSet::new();
    let mut found = Vec::new();
    for selection in &selections {
        let some = scim::list(db, selection, piece).await?;
        found.extend(some.into_iter().filter(|one| seen.insert(one.account.id)));
        if found.len() > MAX_SCANNED {
            return Ok(Err(too_many().into()));
        }
    }
    let people = Person::all(db, found, now).await?;
    let all = people.iter().map(|person| person.shown(root)).collect();
    Ok(Ok(sort_and_cut(all, search)))
}

/// The refusal of a search that would have to look at too much.
fn too_many() -> ScimError {
    let detail = format!(
        "more than {MAX_SCANNED} resources would have to be looked at; filter by userName, externalId, emails.value or id"
    );
    ScimError::of(ScimType::TooMany, detail)
}

/// Of all resources that may be meant those that are, sorted, and of them the part that is wanted.
pub(in crate::administration) fn sort_and_cut(mut all: Vec<Resource>, search: &Search) -> Page {
    if let Some(filter) = &search.filter {
        all.retain(|resource| evaluate::matches(filter, resource));
    }
    if let Some(path) = &search.sort {
        all.sort_by(|one, other| {
            let order = evaluate::order(path, one, other);
            if search.descending { order.reverse() } else { order }
        });
    }
    one_page(all, search)
}

/// The part of a list that is wanted.
pub(in crate::administration) fn one_page(all: Vec<Resource>, search: &Search) -> Page {
    let total = all.len();
    let wanted = all
        .into_iter()
        .skip(search.start.saturating_sub(1))
        .take(search.count);
    Page {
        total,
        resources: wanted.collect(),
    }
}

/// The selection that says the same as a filter, if there is one.
fn exactly(filter: &Filter) -> Option<Selection> {
    let mut selection = Selection::default();
    narrow(filter, &mut selection).then_some(selection)
}

/// Selections that together cover all that a filter may mean.
fn alternatives(filter: &Filter) -> Vec<Selection> {
    match filter {
        Filter::Or(all) => all.iter().flat_map(alternatives).collect(),
        one => {
            let mut selection = Selection::default();
            narrow(one, &mut selection);
            vec![selection]
        }
    }
}

/// Narrows a selection by a filter; whether it says all of it then.
fn narrow(filter: &Filter, selection: &mut Selection) -> bool {
    match filter {
        // Each of them narrows, whether or not one before it does so exactly.
        Filter::And(all) => all.iter().filter(|one| !narrow(one, selection)).count() == 0,
        Filter::Compare(path, operator, Operand::Text(text)) => narrow_text(path, *operator, text, selection),
        Filter::Compare(path, Operator::Eq, Operand::Boolean(wanted)) if path.is("active") => {
            put(&mut selection.active, *wanted)
        }
        Filter::Compare(path, operator, Operand::Moment(at)) => narrow_time(path, *operator, *at, selection),
        Filter::Holds(attribute, inner) if attribute.name == "emails" => {
            if let Some(value) = value_of(inner) {
                put(&mut selection.email, value.to_lowercase());
            }
            false
        }
        _ => false,
    }
}

fn narrow_text(path: &AttributePath, operator: Operator, text: &str, selection: &mut Selection) -> bool {
    let lower = text.to_lowercase();
    match operator {
        Operator::Eq if path.is("userName") => put(&mut selection.username, lower),
        Operator::Sw if path.is("userName") => put(&mut selection.username_prefix, lower),
        Operator::Eq if path.is("emails.value") => put(&mut selection.email, lower),
        Operator::Eq if path.is("externalId") => put(&mut selection.external_id, text.to_owned()),
        Operator::Eq if path.is("id") => {
            if let Ok(id) = Uuid::parse_str(text) {
                put(&mut selection.id, AccountId(id));
            }
            false
        }
        _ => false,
    }
}

fn narrow_time(path: &AttributePath, operator: Operator, at: Timestamp, selection: &mut Selection) -> bool {
    let (from, to) = if path.is("meta.created") {
        (&mut selection.created_from, &mut selection.created_to)
    } else if path.is("meta.lastModified") {
        (&mut selection.updated_from, &mut selection.updated_to)
    } else {
        return false;
    };
    match operator {
        Operator::Eq => put(from, at) & put(to, at),
        Operator::Gt => put(from, Timestamp(at.0.saturating_add(1))),
        Operator::Ge => put(from, at),
        Operator::Lt => put(to, Timestamp(at.0.saturating_sub(1))),
        Operator::Le => put(to, at),
        _ => false,
    }
}

/// Sets a condition, unless there is another one of the kind already; that one then stays.
fn put<T: PartialEq>(place: &mut Option<T>, value: T) -> bool {
    match place {
        Some(there) => *there == value,
        None => {
            *place = Some(value);
            true
        }
    }
}

/// The `value` that a filter on the values of an attribute asks for.
pub(in crate::administration) fn value_of(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Compare(path, Operator::Eq, Operand::Text(text)) if path.is("value") => Some(text),
        Filter::And(all) => all.iter().find_map(value_of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::scim::filter::parse;
    use protocol::scim::schema::USER;

    use super::*;

    #[test]
    fn what_an_index_knows_is_asked_of_the_database() {
        let name = || Selection {
            username: Some("bjensen".to_owned()),
            ..Selection::default()
        };
        for (filter, selection, exact) in [
            ("userName eq \"BJensen\"", name(), true),
            ("title pr and userName eq \"bjensen\"", name(), false),
            ("userName eq \"bjensen\" and userName eq \"other\"", name(), false),
            ("not (userName eq \"bjensen\")", Selection::default(), false),
            (
                "userName sw \"B%\" and active eq true",
                Selection {
                    username_prefix: Some("b%".to_owned()),
                    active: Some(true),
                    ..Selection::default()
                },
                true,
            ),
            (
                "emails[type eq \"work\" and value eq \"A@b.test\"]",
                Selection {
                    email: Some("a@b.test".to_owned()),
                    ..Selection::default()
                },
                false,
            ),
            (
                "emails eq \"A@b.test\"",
                Selection {
                    email: Some("a@b.test".to_owned()),
                    ..Selection::default()
                },
                true,
            ),
            (
                "meta.lastModified gt \"1970-01-01T00:00:10Z\" and meta.lastModified le \"1970-01-01T00:00:20Z\"",
                Selection {
                    updated_from: Some(Timestamp(11)),
                    updated_to: Some(Timestamp(20)),
                    ..Selection::default()
                },
                true,
            ),
        ] {
            let filter_read = parse(&USER, filter).unwrap();
            let mut narrowed = Selection::default();
            assert_eq!(narrow(&filter_read, &mut narrowed), exact, "{filter}");
            assert_eq!(narrowed, selection, "{filter}");
        }
        let either = parse(&USER, "userName eq \"a\" or emails eq \"b@c.test\" and title pr").unwrap();
        assert_eq!(alternatives(&either).len(), 2);
        assert_eq!(exactly(&either), None);
    }
}
