//! The kinds of events there are. Whoever reads the trail finds here what each tells; a test keeps the list complete.

/// What an event of a kind tells, if there is such a kind.
pub fn meaning(kind: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(known, _)| *known == kind);
    found.map(|(_, meaning)| *meaning)
}

/// The kinds and what they tell, in the order of their names.
pub const KINDS: [(&str, &str); 89] = [
    ("access_token.revoked", "A client revoked an access token"),
    (
        "account.anonymised",
        "An account that nobody used lost its person",
    ),
    ("account.created", "An account was made"),
    ("account.deleted", "An account was erased"),
    (
        "account.deletion_cancelled",
        "An account that was to be erased was had back",
    ),
    (
        "account.deletion_requested",
        "The holder asked for an account to be erased",
    ),
    ("account.disabled", "An account was shut"),
    (
        "account.email_change_asked",
        "The holder asked for another mail address",
    ),
    (
        "account.email_change_undone",
        "A change of the mail address was stopped",
    ),
    ("account.email_changed", "The mail address was changed"),
    ("account.email_verified", "The mail address was proved"),
    ("account.enabled", "An account was opened again"),
    ("account.exported", "All data of an account was given out"),
    (
        "account.factors_reset",
        "The second factors of an account were removed",
    ),
    ("account.imported", "An account was brought from elsewhere"),
    (
        "account.inactivity_warned",
        "The holder was told that an unused account will lose its person",
    ),
    ("account.invited", "Somebody was invited to make an account"),
    ("account.password_set", "Somebody else set a password"),
    ("account.permission_given", "An account was given a permission"),
    (
        "account.permission_taken",
        "A permission was taken from an account",
    ),
    ("account.profile_changed", "The holder changed the profile"),
    ("account.registered", "Somebody made an account for themselves"),
    ("account.role_given", "An account was given a role"),
    ("account.role_taken", "A role was taken from an account"),
    ("account.unlocked", "Failed sign-ins of an account were forgiven"),
    ("account.updated", "An account was changed"),
    ("accounts.imported", "Accounts were brought from elsewhere"),
    ("administration.refused", "An administrative act was refused"),
    ("api_key.created", "An API key was made"),
    (
        "api_key.exchanged",
        "An API key was exchanged for an access token",
    ),
    ("api_key.refused", "An API key was used from where it may not be"),
    ("api_key.revoked", "An API key was revoked"),
    ("api_key.rotated", "An API key was replaced"),
    ("audit.anonymised", "A person was taken out of so many events"),
    ("audit.exported", "Events were given out"),
    ("audit.removed", "So many old events were removed"),
    ("client.created", "A client was registered"),
    ("client.deleted", "A client was removed"),
    ("client.disabled", "A client was shut out"),
    ("client.enabled", "A client was let in again"),
    ("client.secret_rotated", "A client got a new secret"),
    ("client.updated", "A client was changed"),
    ("code.issued", "A client was given an authorization code"),
    (
        "code.replayed",
        "An authorization code was used a second time, which ended its grant",
    ),
    ("consent.denied", "The holder said no to a client"),
    ("consent.given", "The holder said yes to a client"),
    (
        "consent.withdrawn",
        "The holder took back what a client was allowed",
    ),
    ("factor.added", "A second factor was added"),
    ("factor.removed", "A second factor was removed"),
    ("factor.renamed", "A second factor was given another name"),
    ("grant.revoked", "What a client was allowed was ended"),
    ("group.created", "A group was made"),
    ("group.deleted", "A group was removed"),
    ("group.member_added", "An account was put into a group"),
    ("group.member_removed", "An account was taken out of a group"),
    ("group.roles_changed", "The roles of a group were changed"),
    ("group.updated", "A group was changed"),
    (
        "identity.connected",
        "A sign-in at another provider was connected",
    ),
    (
        "identity.disconnected",
        "A sign-in at another provider was taken away",
    ),
    ("key.rotated", "New signing keys were made"),
    ("passkey.used", "A passkey was used"),
    ("password.changed", "The holder changed the password"),
    ("password.reset_asked", "A link for a new password was asked for"),
    (
        "password.reset_link_made",
        "An administrator made a link for a new password",
    ),
    (
        "password_grant.used",
        "A client signed an account in with its password",
    ),
    ("recovery_code.used", "A recovery code was used"),
    ("recovery_codes.made", "New recovery codes were made"),
    (
        "refresh.reused",
        "A refresh token was used a second time, which ended its grant",
    ),
    ("resource.created", "A resource or resource server was made known"),
    ("resource.deleted", "A resource or resource server was removed"),
    ("resource.owner_changed", "A resource was given to somebody else"),
    (
        "resource.permission_granted",
        "A permission on a resource was given",
    ),
    (
        "resource.permission_revoked",
        "A permission on a resource was taken away",
    ),
    ("resource.updated", "A resource or resource server was changed"),
    ("role.created", "A role was made"),
    ("role.deleted", "A role was removed"),
    ("role.updated", "A role was changed"),
    ("scope.created", "A scope was made"),
    ("scope.deleted", "A scope was removed"),
    ("scope.updated", "A scope was changed"),
    ("second_factor.refused", "A second factor was wrong"),
    ("session.all_ended", "All sessions of an account were ended"),
    ("session.ended", "A session was ended"),
    ("session.raised", "A further factor was proved in a session"),
    ("session.started", "Somebody signed in"),
    (
        "sign_in.blocked",
        "So many wrong passwords were tried that only known browsers may go on",
    ),
    ("upstream.created", "Another provider to sign in at was added"),
    ("upstream.deleted", "Another provider to sign in at was removed"),
    ("upstream.updated", "Another provider to sign in at was changed"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// Texts of the form `noun.verb` that are written out in a source, without its tests.
    fn literals(text: &str) -> impl Iterator<Item = &str> {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        code.split('"').filter(
            move |text| matches!(text.split_once('.'), Some((noun, verb)) if is_word(noun) && is_word(verb)),
        )
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(KINDS.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(meaning("session.ended"), Some("A session was ended"));
        assert_eq!(meaning("session"), None);
    }

    #[test]
    fn every_kind_that_is_recorded_is_in_the_list_and_no_other() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let known: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let nouns: BTreeSet<&str> = known
            .iter()
            .filter_map(|kind| Some(kind.split_once('.')?.0))
            .collect();
        let (mut written, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for file in files.iter().filter(|file| !file.ends_with("audit/kinds.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            for (at, _) in text
                .match_indices("Event::now(")
                .chain(text.match_indices("Event::at("))
            {
                let call = text[at..].split(';').next().unwrap_or_default();
                unknown.extend(
                    literals(call)
                        .filter(|kind| !known.contains(kind))
                        .map(str::to_owned),
                );
            }
            for kind in literals(&text) {
                let Some((noun, verb)) = kind.split_once('.') else {
                    continue;
                };
                let past = ["ed", "en", "made", "wn"]
                    .iter()
                    .any(|ending| verb.ends_with(ending));
                if known.contains(kind) {
                    written.insert(kind.to_owned());
                } else if nouns.contains(noun) && past {
                    unknown.insert(kind.to_owned());
                }
            }
        }
        assert!(unknown.is_empty(), "not in the list: {unknown:?}");
        let never: Vec<_> = known.iter().filter(|kind| !written.contains(**kind)).collect();
        assert!(never.is_empty(), "in the list, and never recorded: {never:?}");
    }
}
