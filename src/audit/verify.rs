//! Whether the audit trail is as it was written: no event changed, missing, added or moved since it was sealed.

use protocol::time::{Lifetime, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use store::audit::Taken;
use store::audit_chain::{self as rows, Ends, Link, Sealed};
use store::{Conn, Store, StoreError};
use uuid::Uuid;

use super::chain::{self, Keys};
use crate::hex;

/// Events read at a time.
const PAGE: i64 = 1000;
/// How long an event waits to be sealed at most.
const LATE: Lifetime = Lifetime::seconds(60);
/// Findings told; a trail with more has been told enough of.
const FINDINGS: usize = 1000;

/// A place in the chain that somebody has kept elsewhere: the chain must still pass it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor(pub Link);

impl std::str::FromStr for Anchor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Anchor, Self::Err> {
        let problem = "an anchor is a number, a colon and 64 hexadecimal digits, as `audit verify` prints it";
        let (sequence, hex) = text.split_once(':').ok_or(problem)?;
        let digits: Option<Vec<u8>> = hex
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
            .collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(problem)?;
        let bytes = digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
        Ok(Anchor(Link {
            sequence: sequence.parse().map_err(|_| problem)?,
            hash: bytes.collect(),
        }))
    }
}

/// A place as text.
pub fn anchor(link: &Link) -> String {
    format!("{}:{}", link.sequence, hex::encode(&link.hash))
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// Where in the chain.
    pub sequence: Option<i64>,
    /// The event, when it is still there.
    pub event: Option<Uuid>,
    /// What is wrong.
    pub problem: String,
}

/// What came of looking at the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Report {
    /// How many events were looked at.
    pub checked: i64,
    /// How many wait to be sealed; it takes a second.
    pub unsealed: i64,
    /// How many of them a person was taken out of.
    pub anonymised: i64,
    /// The last place of the chain. Kept elsewhere, it shows later that nothing was cut off.
    pub anchor: Option<String>,
    /// Where to go on, when there is more to look at.
    pub next: Option<i64>,
    /// Whether more is wrong than is told here.
    pub more_findings: bool,
    /// What is wrong; nothing, when all is well.
    pub findings: Vec<Finding>,
}

/// A look at the trail, from somewhere in it.
struct Walk {
    keys: Keys,
    /// The last event looked at; without a hash where the one before is missing.
    after: i64,
    hash: Option<Vec<u8>>,
    report: Report,
}

/// Looks at the trail from after a place on, where an earlier look has ended (0 for all), at most so many events, and
/// whether it passes an anchor. It may be written to meanwhile.
pub async fn verify(
    store: &Store,
    keys: Keys,
    kept: Option<Anchor>,
    after: i64,
    limit: i64,
) -> Result<Report, StoreError> {
    let mut walk = Walk::begin(store, keys, after).await?;
    if let Some(Anchor(kept)) = kept {
        walk.pass(store, &kept).await?;
    }
    loop {
        let from = walk.after;
        // What is read later is newer: an end that moves on meanwhile is not mistaken for one that was moved.
        let (before, page, now) = store
            .scan(async move |db: &mut Conn| {
                let before = rows::find_ends(db).await?;
                let page = rows::list_sealed(db, from, PAGE).await?;
                Ok((before, page, rows::find_ends(db).await?))
            })
            .await?;
        let full = i64::try_from(page.len()).is_ok_and(|found| found >= PAGE);
        for sealed in &page {
            walk.step(sealed, now.as_ref());
        }
        if !full {
            walk.arrive(before.as_ref());
            return walk.finish(store).await;
        }
        if walk.report.checked >= limit {
            walk.report.next = Some(walk.after);
            return Ok(walk.report);
        }
    }
}

impl Walk {
    async fn begin(store: &Store, keys: Keys, after: i64) -> Result<Walk, StoreError> {
        let (ends, hash) = store
            .read(async move |db: &mut Conn| {
                let hash = rows::find_hash(db, after).await?;
                Ok((rows::find_ends(db).await?, hash))
            })
            .await?;
        let mut walk = Walk {
            keys,
            after,
            hash,
            report: Report::default(),
        };
        if after <= 0 {
            let start = ends
                .as_ref()
                .map_or_else(chain::beginning, |ends| ends.pruned.clone());
            (walk.after, walk.hash) = (start.sequence, Some(start.hash));
        }
        if ends.as_ref().is_some_and(|ends| !walk.keys.vouch_for(ends)) {
            let problem = "the record of where the chain begins and ends was changed";
            walk.find(None, None, problem);
        }
        walk.report.anchor = ends.map(|ends| anchor(&ends.head));
        Ok(walk)
    }

    /// Checks that the chain still passes a place.
    async fn pass(&mut self, store: &Store, kept: &Link) -> Result<(), StoreError> {
        let at = kept.sequence;
        let (ends, hash) = store
            .read(async move |db: &mut Conn| Ok((rows::find_ends(db).await?, rows::find_hash(db, at).await?)))
            .await?;
        let ends = ends.unwrap_or_else(|| Ends {
            head: chain::beginning(),
            pruned: chain::beginning(),
            mac: Vec::new(),
        });
        let problem = if ends.head.sequence < at {
            "the trail ends before the anchor: newer events were cut off, or an older state was put back"
        } else if ends.pruned.sequence > at {
            // What retention removed is vouched for by its record alone.
            return Ok(());
        } else if ends.pruned == *kept || hash.as_ref() == Some(&kept.hash) {
            return Ok(());
        } else {
            "the trail does not pass the anchor: it was written anew from before it"
        };
        self.find(Some(at), None, problem);
        Ok(())
    }

    fn find(&mut self, sequence: Option<i64>, event: Option<Uuid>, problem: &str) {
        if self.report.findings.len() >= FINDINGS {
            self.report.more_findings = true;
            return;
        }
        self.report.findings.push(Finding {
            sequence,
            event,
            problem: problem.to_owned(),
        });
    }

    /// Looks at the next event.
    fn step(&mut self, sealed: &Sealed, ends: Option<&Ends>) {
        let (seal, sequence) = (&sealed.seal, sealed.seal.link.sequence);
        let pruned = ends.map_or_else(chain::beginning, |ends| ends.pruned.clone());
        if self.after < pruned.sequence {
            // Retention went on meanwhile.
            (self.after, self.hash) = (pruned.sequence, Some(pruned.hash));
        }
        if sequence <= self.after {
            return;
        }
        if sequence > self.after.saturating_add(1) {
            let problem = match sequence.saturating_sub(self.after) - 1 {
                1 => "an event is missing here".to_owned(),
                missing => format!("{missing} events are missing from here on"),
            };
            self.find(Some(self.after.saturating_add(1)), None, &problem);
            self.hash = None;
        }
        if ends.is_none_or(|ends| sequence > ends.head.sequence) {
            self.find(
                Some(sequence),
                Some(seal.id),
                "the event stands after the end of the chain",
            );
        }
        self.examine(sealed);
        self.report.checked += 1;
        self.report.anonymised += i64::from(sealed.anonymised_mac.is_some());
        (self.after, self.hash) = (sequence, Some(seal.link.hash.clone()));
    }

    fn examine(&mut self, sealed: &Sealed) {
        let seal = &sealed.seal;
        let Some(event) = &sealed.event else {
            let id = (!seal.id.is_nil()).then_some(seal.id);
            let problem = "the event cannot be read: it was changed";
            return self.find(Some(seal.link.sequence), id, problem);
        };
        let Some(previous) = &self.hash else {
            // What it was sealed behind is missing, which is told already.
            return;
        };
        let found = self.keys.examine(event, seal, previous);
        let mac = sealed.anonymised_mac.as_deref();
        let signed = |taken| mac.is_some_and(|mac| self.keys.verify_taken(seal.id, taken, mac));
        let (all, doer) = (signed(Taken::All), signed(Taken::Doer));
        let nobody = event.account_id.is_none() && event.detail == Value::Object(serde_json::Map::new());
        let by_nobody = event.actor.is_none() && event.address.is_none();
        let (at, id) = (Some(seal.link.sequence), Some(seal.id));
        if !found.chained {
            self.find(at, id, "the event was changed, moved or put in");
        }
        if !(found.subject || nobody && all) {
            self.find(at, id, "whom the event is about or its details were changed");
        }
        if !(found.doer || by_nobody && (all || doer)) {
            self.find(at, id, "who did it or from where was changed");
        }
    }

    /// Looks whether the end of the chain was reached.
    fn arrive(&mut self, ends: Option<&Ends>) {
        let Some(Ends { head, .. }) = ends else { return };
        if self.after < head.sequence {
            let missing = head.sequence - self.after;
            let problem = format!("{missing} events are missing at the end");
            self.find(Some(self.after.saturating_add(1)), None, &problem);
        } else if self.after == head.sequence && self.hash.as_ref().is_some_and(|hash| *hash != head.hash) {
            self.find(
                Some(head.sequence),
                None,
                "the end of the chain is another than was recorded",
            );
        }
    }

    /// Looks at what is told of the trail as a whole.
    async fn finish(mut self, store: &Store) -> Result<Report, StoreError> {
        let (unsealed, unreadable) = store
            .scan(async |db: &mut Conn| {
                let found = rows::list_unsealed(db, PAGE).await?;
                Ok((rows::count_unsealed(db).await?, found.unreadable))
            })
            .await?;
        self.report.unsealed = unsealed;
        for id in unreadable {
            self.find(
                None,
                id,
                "an event cannot be read and stays unsealed: it was put in or changed",
            );
        }
        Ok(self.report)
    }
}

impl Report {
    /// Looks besides for events that nobody has sealed for longer than it takes.
    pub async fn look_for_late(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let waiting = store
            .read(async |db: &mut Conn| rows::list_unsealed(db, 1).await)
            .await?;
        // Those that cannot be read are told of already.
        if waiting.events.iter().any(|event| event.at < now - LATE) {
            let problem = "events have not been sealed for more than a minute: start the server, which seals them, or \
                           look into its log";
            self.findings.push(Finding {
                sequence: None,
                event: None,
                problem: problem.to_owned(),
            });
        }
        Ok(())
    }

    /// Whether all is as it was written.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings as rows.
    pub fn rows(&self) -> Vec<Value> {
        let row = |finding: &Finding| json!(finding);
        self.findings.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_as_it_is_written() {
        let link = Link {
            sequence: 42,
            hash: (0..32).collect(),
        };
        assert_eq!(anchor(&link).parse(), Ok(Anchor(link)));
        for text in [
            "",
            "42",
            "x:00",
            "1:00",
            &format!("1:{}", "g".repeat(64)),
            &format!("1:{}", "é".repeat(32)),
        ] {
            assert!(text.parse::<Anchor>().is_err(), "{text}");
        }
    }
}
