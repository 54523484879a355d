//! Until when somebody holds what they hold: what they give to others ends no later.

use std::collections::BTreeMap;

use protocol::id::AccountId;
use protocol::permission;
use protocol::time::Timestamp;
use store::{Conn, StoreError};

use super::roles::{self, EffectivePermission};

/// The moments from which permissions are not held any more. What is not named here is held for good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenure(BTreeMap<String, Option<Timestamp>>);

impl Tenure {
    /// Those of an account, at a moment.
    pub(crate) async fn read(
        db: &mut Conn,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Tenure, StoreError> {
        let assignments = store::roles::list_assignments(db, account).await?;
        let passes = |end: Timestamp| end > now;
        // Most people hold nothing for a time.
        if !assignments.iter().any(|held| held.expires_at.is_some_and(passes)) {
            return Ok(Tenure::default());
        }
        let held = roles::explain(db, account, now).await?.into_iter();
        Ok(Tenure::of(held.flat_map(
            |EffectivePermission { permission, through }| {
                let ways = through.into_iter();
                ways.map(move |way| (permission.clone(), way.expires_at))
            },
        )))
    }

    /// Those of permissions that are held in these ways.
    fn of(ways: impl Iterator<Item = (String, Option<Timestamp>)>) -> Tenure {
        let mut ends = BTreeMap::new();
        for (permission, end) in ways {
            let held = ends.entry(permission).or_insert(end);
            *held = later(*held, end);
        }
        Tenure(ends)
    }

    /// The end of a permission, unless it is held for good: by its name, or with everything.
    pub(super) fn of_permission(&self, permission: &str) -> Option<Timestamp> {
        let names = [permission, permission::ALL].into_iter();
        let ends = names.filter_map(|name| self.0.get(name).copied());
        ends.reduce(later).flatten()
    }
}

/// The later of two ends; no end at all is later than each.
fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.zip(other).map(|(one, other)| one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_ways_to_a_permission_the_longest_counts() {
        for (ways, end) in [
            (&[][..], None),
            (&[("a", Some(5))], Some(5)),
            (&[("a", Some(5)), ("a", Some(9)), ("a", Some(7))], Some(9)),
            (&[("a", Some(5)), ("a", None)], None),
            (&[("*", Some(5))], Some(5)),
            (&[("*", Some(9)), ("a", Some(5))], Some(9)),
            (&[("*", Some(5)), ("a", Some(9))], Some(9)),
            (&[("*", None), ("a", Some(5))], None),
            (&[("*", Some(5)), ("a", None)], None),
            (&[("b", Some(5)), ("a", None)], None),
        ] {
            let held = ways
                .iter()
                .map(|(name, end): &(&str, _)| ((*name).to_owned(), end.map(Timestamp)));
            assert_eq!(
                Tenure::of(held).of_permission("a"),
                end.map(Timestamp),
                "{ways:?}"
            );
        }
    }
}
