//! What the hashes of the audit chain are made of: keyed with the master key, each over the hash before it. What is
//! personal is covered by hashes of its own, so that it can be taken out and the chain still holds.

use aws_lc_rs::hmac;
use serde_json::Value;
use store::audit::{Event, Signer, Taken};
use store::audit_chain::{Ends, Link, Seal};
use uuid::Uuid;

use crate::seal::Sealer;

/// Bytes of a hash.
const LENGTH: usize = 32;

/// Two hashes, of whom an event is about and of who did it.
type Personal = [u8; 2 * LENGTH];

/// The keys of the chain: the first seals, each of them verifies.
#[derive(Clone, Debug)]
pub struct Keys {
    first: hmac::Key,
    older: Vec<hmac::Key>,
}

impl Keys {
    /// The keys that come of the master keys.
    pub fn of(sealer: &Sealer) -> Keys {
        let label = "audit-chain";
        let older = sealer.derive_all(label).into_iter().skip(1);
        let key = |bytes: [u8; LENGTH]| hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Keys {
            first: key(sealer.derive(label)),
            older: older.map(key).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &hmac::Key> {
        std::iter::once(&self.first).chain(&self.older)
    }

    /// Seals an event behind another.
    pub fn seal(&self, event: &Event, previous: &Link, sequence: i64) -> Seal {
        let personal = personal(&self.first, event);
        Seal {
            id: event.id,
            link: Link {
                sequence,
                hash: chained(&self.first, event, &previous.hash, sequence, &personal),
            },
            personal_hash: personal.to_vec(),
        }
    }

    /// What does not fit a seal any more, of an event behind one with that hash.
    pub fn examine(&self, event: &Event, seal: &Seal, previous: &[u8]) -> Examined {
        let matching = self.all().find(|key| {
            chained(key, event, previous, seal.link.sequence, &seal.personal_hash) == seal.link.hash
        });
        let personal_as = |key| {
            let now = personal(key, event);
            let (subject, doer) = now.split_at(LENGTH);
            let (sealed_subject, sealed_doer) =
                seal.personal_hash.split_at_checked(LENGTH).unwrap_or_default();
            (subject == sealed_subject, doer == sealed_doer)
        };
        let (subject, doer) = match matching {
            Some(key) => personal_as(key),
            // Another finding tells of the event as a whole.
            None => (true, true),
        };
        Examined {
            chained: matching.is_some(),
            subject,
            doer,
        }
    }

    /// Whether the server signed that this was taken out of this event.
    pub fn verify_taken(&self, event: Uuid, taken: Taken, mac: &[u8]) -> bool {
        self.all().any(|key| anonymised(key, event, taken) == mac)
    }

    /// Vouches for the ends of the chain.
    pub fn sign(&self, head: &Link, pruned: &Link) -> Vec<u8> {
        ends(&self.first, head, pruned)
    }

    /// Whether the ends of the chain are as they were signed.
    pub fn vouch_for(&self, found: &Ends) -> bool {
        self.all()
            .any(|key| ends(key, &found.head, &found.pruned) == found.mac)
    }
}

impl Signer for Keys {
    fn sign_taken(&self, event: Uuid, taken: Taken) -> Vec<u8> {
        anonymised(&self.first, event, taken)
    }
}

/// What of an event is as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What is not personal, and its place.
    pub chained: bool,
    /// Whom it is about, and its details.
    pub subject: bool,
    /// Who did it, and from where.
    pub doer: bool,
}

/// The place before the first event.
pub(super) fn beginning() -> Link {
    Link {
        sequence: 0,
        hash: vec![0; LENGTH],
    }
}

/// Several values as one text that none but them makes.
struct Text(Vec<u8>);

impl Text {
    fn new(what: &str) -> Text {
        Text(Vec::with_capacity(256)).and(what.as_bytes())
    }

    fn and(mut self, value: &[u8]) -> Text {
        self.0.push(1);
        self.0.extend((value.len() as u64).to_be_bytes());
        self.0.extend(value);
        self
    }

    fn maybe(mut self, value: Option<&[u8]>) -> Text {
        match value {
            Some(value) => self.and(value),
            None => {
                self.0.push(0);
                self
            }
        }
    }

    fn sign(self, key: &hmac::Key) -> Vec<u8> {
        hmac::sign(key, &self.0).as_ref().to_vec()
    }
}

fn chained(key: &hmac::Key, event: &Event, previous: &[u8], sequence: i64, personal: &[u8]) -> Vec<u8> {
    Text::new("event")
        .and(previous)
        .and(&sequence.to_be_bytes())
        .and(event.id.as_bytes())
        .and(&event.at.0.to_be_bytes())
        .and(event.kind.as_bytes())
        .and(event.outcome.as_bytes())
        .maybe(event.client_id.as_ref().map(|id| id.as_str().as_bytes()))
        .maybe(event.request_id.as_ref().map(String::as_bytes))
        .and(personal)
        .sign(key)
}

fn personal(key: &hmac::Key, event: &Event) -> Personal {
    let mut detail = Vec::new();
    canonical(&event.detail, &mut detail);
    let subject = Text::new("subject")
        .and(event.id.as_bytes())
        .maybe(event.account_id.as_ref().map(|id| id.0.as_bytes().as_slice()))
        .and(&detail)
        .sign(key);
    let doer = Text::new("doer")
        .and(event.id.as_bytes())
        .maybe(event.actor.as_ref().map(String::as_bytes))
        .maybe(event.address.as_ref().map(String::as_bytes))
        .sign(key);
    let mut both = [0; 2 * LENGTH];
    for (to, from) in both.iter_mut().zip(subject.iter().chain(&doer)) {
        *to = *from;
    }
    both
}

fn anonymised(key: &hmac::Key, event: Uuid, taken: Taken) -> Vec<u8> {
    let what: &[u8] = match taken {
        Taken::All => b"all",
        Taken::Doer => b"doer",
    };
    Text::new("anonymised").and(event.as_bytes()).and(what).sign(key)
}

fn ends(key: &hmac::Key, head: &Link, pruned: &Link) -> Vec<u8> {
    Text::new("ends")
        .and(&head.sequence.to_be_bytes())
        .and(&head.hash)
        .and(&pruned.sequence.to_be_bytes())
        .and(&pruned.hash)
        .sign(key)
}

/// JSON in one order of members, since databases have orders of their own.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, value) in names {
                canonical(&Value::String(name.clone()), out);
                canonical(value, out);
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for value in values {
                canonical(value, out);
                out.push(b',');
            }
            out.push(b']');
        }
        plain => out.extend(plain.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::{AccountId, ClientId};
    use protocol::time::Timestamp;
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        Event {
            id: Uuid::from_u128(1),
            at: Timestamp(5),
            kind: "session.started".into(),
            outcome: "success".into(),
            account_id: Some(AccountId(Uuid::from_u128(2))),
            client_id: Some(ClientId("web".into())),
            actor: Some("cli".into()),
            address: Some("192.0.2.1".into()),
            request_id: None,
            detail: json!({ "b": [1, "x"], "a": null }),
        }
    }

    fn keys() -> Keys {
        Keys::of(&Sealer::new([7; 32]))
    }

    #[test]
    fn each_member_of_an_event_is_covered() {
        let (event, keys) = (event(), keys());
        let seal = keys.seal(&event, &beginning(), 1);
        let examine = |event: &Event| {
            let found = keys.examine(event, &seal, &beginning().hash);
            (found.chained, found.subject, found.doer)
        };
        assert_eq!(examine(&event), (true, true, true));
        type Change = fn(&mut Event);
        let changes: [(Change, (bool, bool, bool)); 10] = [
            (|e| e.id = Uuid::from_u128(9), (false, true, true)),
            (|e| e.at = Timestamp(6), (false, true, true)),
            (|e| e.kind.push('x'), (false, true, true)),
            (|e| e.outcome = "failure".into(), (false, true, true)),
            (|e| e.client_id = None, (false, true, true)),
            (|e| e.request_id = Some(String::new()), (false, true, true)),
            (|e| e.account_id = None, (true, false, true)),
            (|e| e.detail = json!({}), (true, false, true)),
            (|e| e.actor = None, (true, true, false)),
            (|e| e.address = Some("192.0.2.2".into()), (true, true, false)),
        ];
        for (at, (change, expected)) in changes.into_iter().enumerate() {
            let mut changed = event.clone();
            change(&mut changed);
            assert_eq!(examine(&changed), expected, "change {at}");
        }
    }

    #[test]
    fn place_predecessor_and_key_are_covered() {
        let (event, keys) = (event(), keys());
        let seal = keys.seal(&event, &beginning(), 1);
        assert!(!keys.examine(&event, &seal, &[1; 32]).chained);
        let mut moved = seal.clone();
        moved.link.sequence = 2;
        assert!(!keys.examine(&event, &moved, &beginning().hash).chained);
        let other = Keys::of(&Sealer::new([8; 32]));
        assert!(!other.examine(&event, &seal, &beginning().hash).chained);
        let rotated = Keys::of(&Sealer::with_older([8; 32], [[7; 32]]));
        let found = rotated.examine(&event, &seal, &beginning().hash);
        assert!(found.chained && found.subject && found.doer);
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let (mut event, keys) = (event(), keys());
        let seal = keys.seal(&event, &beginning(), 1);
        event.detail = serde_json::from_str(r#"{"a":null,"b":[1,"x"]}"#).unwrap();
        assert!(keys.examine(&event, &seal, &beginning().hash).subject);
        event.detail = json!({ "a": null, "b": ["x", 1] });
        assert!(!keys.examine(&event, &seal, &beginning().hash).subject);
    }

    #[test]
    fn the_ends_are_signed() {
        let keys = keys();
        let (head, pruned) = (
            Link {
                sequence: 9,
                hash: vec![1; 32],
            },
            beginning(),
        );
        let ends = Ends {
            mac: keys.sign(&head, &pruned),
            head,
            pruned,
        };
        assert!(keys.vouch_for(&ends));
        let mut moved = ends.clone();
        moved.pruned.sequence = 3;
        assert!(!keys.vouch_for(&moved));
    }
}
