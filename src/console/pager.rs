//! Lists in pages: the filters of an address, and the way to the next page with the same ones.

use serde_json::Value;
use url::form_urlencoded;

use super::Desk;
use crate::administration::Refused;
use crate::administration::listing::{self, Slice};
use crate::app::App;

/// A list with its filters, as the address has them.
pub(super) struct Pager {
    path: &'static str,
    filters: Vec<(&'static str, String)>,
    after: Option<String>,
}

impl Pager {
    /// The list at `path`, whose filters are called `names`.
    pub(super) fn new(desk: &Desk, path: &'static str, names: &[&'static str]) -> Pager {
        let filter = |name: &&'static str| Some((*name, desk.query.get(name)?.trim().to_owned()));
        let filters = names.iter().filter_map(filter);
        Pager {
            path,
            filters: filters.filter(|(_, value)| !value.is_empty()).collect(),
            after: desk.query.get("after").map(str::to_owned),
        }
    }

    /// The value of a filter; empty when it is not set.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// The value of a filter that is set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut filters = self.filters.iter();
        filters
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The address of the list with its filters, and one parameter more.
    pub(super) fn address(&self, path: &str, more: Option<(&str, &str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }

    /// The piece of the list that is asked for.
    pub(super) fn slice(&self, app: &App, sort: &'static str, descending: bool) -> Result<Slice, Refused> {
        let list = self.address(self.path, None);
        let after = self
            .after
            .as_deref()
            .map(|after| listing::open(app, &list, after));
        Ok(Slice {
            descending,
            after: after.transpose()?,
            ..Slice::first(sort)
        })
    }

    /// The address of the next page.
    pub(super) fn next(&self, app: &App, next: Option<&Value>) -> Option<String> {
        let list = self.address(self.path, None);
        let after = listing::seal(app, &list, next?);
        Some(self.address(self.path, Some(("after", &after))))
    }

    /// The address of the first page, unless this is it.
    pub(super) fn first(&self) -> Option<String> {
        self.after.is_some().then(|| self.address(self.path, None))
    }
}
