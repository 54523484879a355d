//! What can be said of an entry before the accounts that there are are looked at: nobody brings in more than they hold,
//! and nothing that does not exist here.

use std::collections::BTreeSet;

use protocol::permission;
use protocol::secret::TokenHash;
use store::{Conn, StoreError};

use super::{Known, Pass, Ready};
use crate::administration::groups::missing_roles;
use crate::administration::{Outcome, Refused};
use crate::declarative::{PasswordSource, SecretSource};
use crate::import::{Candidate, shown};

impl Pass<'_> {
    /// What can be said of an entry before the accounts are looked at.
    pub(super) async fn check(
        &mut self,
        (number, place): (usize, String),
        mut candidate: Candidate,
    ) -> Outcome<Result<Ready, String>> {
        if !self.is_first(&candidate) {
            return Ok(Err(
                "its user name or address stands in this file before".to_owned()
            ));
        }
        if self.source.folder().is_none()
            && let Some(problem) = for_the_command_line(&candidate)
        {
            return Ok(Err(problem.to_owned()));
        }
        let roles = match self.known_roles(&mut candidate) {
            Ok(roles) => roles,
            Err(problem) => return Ok(Err(problem)),
        };
        let groups = self.known_groups(&mut candidate).await?;
        let mut given: BTreeSet<String> = candidate.entry.permissions.iter().flatten().cloned().collect();
        given.extend(
            roles
                .iter()
                .filter_map(|name| self.roles.get(name))
                .flatten()
                .cloned(),
        );
        given.extend(groups.iter().flat_map(|known| known.permissions.clone()));
        if let Err(refused) = self.may_give(&given, !roles.is_empty() || !groups.is_empty()) {
            let says = refused.says();
            self.refusals.push((place, refused));
            return Ok(Err(says));
        }
        let mut missing = groups
            .iter()
            .filter_map(|known| Some((known, known.missing.as_ref()?)));
        if let Some((known, role)) = missing.next() {
            let (group, role) = (shown(&known.group.display_name), shown(role));
            return Ok(Err(format!(
                "its group {group} is to carry the role {role}, which does not exist"
            )));
        }
        if candidate.id.is_some() && self.actor.may_take([&permission::ALL.to_owned()]).is_err() {
            candidate.id = None;
            candidate
                .notes
                .push("it gets a new identifier; only who may do everything brings in old ones".to_owned());
        }
        Ok(Ok(Ready {
            number,
            place,
            candidate,
            roles,
            groups: groups.into_iter().map(|known| known.group).collect(),
            password: None,
            totp: None,
        }))
    }

    fn may_give(&self, given: &BTreeSet<String>, assigns: bool) -> Result<(), Refused> {
        if assigns || !given.is_empty() {
            self.actor.require(permission::ROLES_ASSIGN)?;
        }
        self.actor.may_give_for_good(given)
    }

    /// Whether no entry before it has its user name or address.
    fn is_first(&mut self, candidate: &Candidate) -> bool {
        let names = [Some(&candidate.entry.username), candidate.entry.email.as_ref()];
        let hashes: BTreeSet<[u8; 32]> = names
            .into_iter()
            .flatten()
            .map(|name| TokenHash::of(&name.to_lowercase()).0)
            .collect();
        if hashes.iter().any(|hash| self.seen.contains(hash)) {
            return false;
        }
        self.seen.extend(hashes);
        true
    }

    fn known_roles(&self, candidate: &mut Candidate) -> Result<BTreeSet<String>, String> {
        let mut known = BTreeSet::new();
        for name in candidate.entry.roles.iter().flatten() {
            if self.roles.contains_key(name) {
                known.insert(name.clone());
            } else if candidate.lenient {
                candidate.notes.push(format!(
                    "the role {} does not exist here and is left out",
                    shown(name)
                ));
            } else {
                return Err(format!("there is no role {}", shown(name)));
            }
        }
        Ok(known)
    }

    async fn known_groups(&mut self, candidate: &mut Candidate) -> Result<Vec<Known>, StoreError> {
        let mut known = Vec::new();
        for name in &candidate.groups {
            let key = name.to_lowercase();
            let found = match self.groups.get(&key) {
                Some(found) => found.clone(),
                None => {
                    let found = self.find_group(key.clone()).await?;
                    self.groups.insert(key, found.clone());
                    found
                }
            };
            match found {
                Some(found) => known.push(found),
                None => candidate.notes.push(format!(
                    "the group {} does not exist here and is left out",
                    shown(name)
                )),
            }
        }
        Ok(known)
    }

    async fn find_group(&self, key: String) -> Result<Option<Known>, StoreError> {
        let wanted = store::groups::Selection {
            display_name: Some(key),
            ..Default::default()
        };
        let found = self
            .app
            .store
            .read(async move |db: &mut Conn| {
                let Some(group) = store::groups::list(db, &wanted, 0, 1).await?.pop() else {
                    return Ok(None);
                };
                let roles = store::groups::list_roles(db, group.id).await?;
                Ok(Some((group, roles)))
            })
            .await?;
        let exists = |role: &str| self.roles.contains_key(role);
        Ok(found.map(|(group, roles)| Known {
            missing: missing_roles(&self.app.config, Some(&group.display_name), exists).pop_first(),
            group,
            permissions: roles
                .iter()
                .filter_map(|name| self.roles.get(name))
                .flatten()
                .cloned()
                .collect(),
        }))
    }
}

/// What only whoever sits at the server may bring in: a file of theirs, or a password that they would know.
fn for_the_command_line(candidate: &Candidate) -> Option<&'static str> {
    let entry = &candidate.entry;
    if matches!(entry.totp, Some(SecretSource::File(_))) {
        return Some("names a file; only the command line reads files");
    }
    match entry.password {
        Some(PasswordSource::Clear(SecretSource::File(_))) => {
            Some("names a file; only the command line reads files")
        }
        Some(PasswordSource::Clear(SecretSource::Text(_))) => Some(
            "has a password in clear; send its hash, or let the holder ask for one as for a forgotten one",
        ),
        Some(PasswordSource::Hash(_)) | None => None,
    }
}
