//! Permissions in forms: those of the server's own as boxes, all others as text.

use std::collections::BTreeSet;

use protocol::permission;

use super::Desk;
use crate::pages::PermissionBox;

/// The names of the boxes: everything, and each of the server's own.
fn boxed() -> impl Iterator<Item = &'static str> {
    std::iter::once(permission::ALL).chain(permission::OWN.iter().map(|(name, _)| *name))
}

/// The boxes for a set of permissions, and the rest of the set as lines.
pub(super) fn boxes(desk: &Desk, held: &BTreeSet<String>) -> (Vec<PermissionBox>, String) {
    let mut others: Vec<&str> = held.iter().map(String::as_str).collect();
    others.retain(|name| boxed().all(|known| known != *name));
    let boxes = boxed().map(|name| PermissionBox {
        name,
        held: held.contains(name),
        may_give: desk.actor.may_give_for_good([&name.to_owned()]).is_ok(),
    });
    (boxes.collect(), others.join("\n"))
}

/// The set that a form holds.
pub(super) fn read(desk: &Desk) -> BTreeSet<String> {
    let ticked = desk.form.all("permissions").map(str::to_owned);
    let others = desk.form.get("others").unwrap_or_default();
    ticked.chain(words(others)).collect()
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_owned)
}
