//! Importing accounts. Nobody brings in more than they hold; an account that is there is never changed; a bad entry
//! stops only itself, unless it is asked otherwise.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use protocol::permission;
use protocol::secret::Secret;
use store::{Conn, StoreError};
use uuid::Uuid;

use super::{Actor, Outcome, REFUSED, Refused, Target, denied_about};
use crate::app::App;
use crate::audit::Event;
use crate::declarative::{self, PasswordSource, SecretSource};
use crate::import::{Candidate, Format, Line, Outcome as Done, Report, Row, Source};
use crate::random;

mod check;
mod write;

use write::{Standing, Writer};

/// Accounts written in one transaction.
const BATCH: usize = 100;

/// How to import.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How the accounts are written down.
    pub(crate) format: Format,
    /// Say what would be done and do nothing.
    pub(crate) dry_run: bool,
    /// Do nothing at all when one entry is bad.
    pub(crate) strict: bool,
}

/// An account that may be made, once its secrets are turned into rows.
#[derive(Clone)]
struct Ready {
    /// Which of its batch it is.
    number: usize,
    place: String,
    candidate: Candidate,
    roles: BTreeSet<String>,
    groups: Vec<store::groups::Group>,
    password: Option<String>,
    totp: Option<(Uuid, Vec<u8>)>,
}

impl Ready {
    fn line(&self, outcome: Done, reason: Option<String>) -> Line {
        Line {
            place: self.place.clone(),
            username: Some(self.candidate.entry.username.clone()),
            outcome,
            reason,
            notes: self.candidate.notes.clone(),
        }
    }
}

/// Imports the accounts of a source and says what became of each.
pub(crate) async fn import(app: &App, actor: &Actor, source: &Source, options: Options) -> Outcome<Report> {
    actor.require(permission::ACCOUNTS_EXPORT)?;
    if options.strict {
        let mut first = Pass::new(app, actor, source, options, true).await?.run().await?;
        if first.has_bad() || options.dry_run {
            first.dry_run = options.dry_run;
            first.refused = first.has_bad();
            return Ok(first);
        }
    }
    let report = Pass::new(app, actor, source, options, options.dry_run)
        .await?
        .run()
        .await?;
    if !report.dry_run {
        let event = Event::now(app, "accounts.imported")
            .by(actor)
            .detail(serde_json::json!({
                "format": report.format, "created": report.created,
                "unchanged": report.unchanged, "skipped": report.skipped,
            }));
        let record = async move |db: &mut Conn| event.record(db).await;
        app.store.write(record).await?;
    }
    Ok(report)
}

/// One way through a source.
struct Pass<'a> {
    app: &'a App,
    actor: &'a Actor,
    source: &'a Source,
    options: Options,
    /// Permissions of the roles that there are.
    roles: BTreeMap<String, BTreeSet<String>>,
    groups: BTreeMap<String, Option<Known>>,
    /// Names and addresses seen so far, by their hashes.
    seen: HashSet<[u8; 32]>,
    /// The entries by which the importer would have given more than they may, by their places.
    refusals: Vec<(String, Refused)>,
    /// What became of the entries of a batch, by their numbers.
    lines: Vec<(usize, Line)>,
    report: Report,
}

/// A group that there is, and the permissions of its members.
#[derive(Clone)]
struct Known {
    group: store::groups::Group,
    /// A role that it is to carry and that does not exist.
    missing: Option<String>,
    permissions: BTreeSet<String>,
}

impl<'a> Pass<'a> {
    async fn new(
        app: &'a App,
        actor: &'a Actor,
        source: &'a Source,
        options: Options,
        dry_run: bool,
    ) -> Result<Pass<'a>, StoreError> {
        let roles = app
            .store
            .read(async |db: &mut Conn| store::roles::list_roles(db).await)
            .await?;
        Ok(Pass {
            app,
            actor,
            source,
            options,
            roles: roles
                .into_iter()
                .map(|role| (role.name, role.permissions))
                .collect(),
            groups: BTreeMap::new(),
            seen: HashSet::new(),
            refusals: Vec::new(),
            lines: Vec::new(),
            report: Report {
                format: options.format.as_str(),
                dry_run,
                ..Report::default()
            },
        })
    }

    async fn run(mut self) -> Outcome<Report> {
        let rows = self.source.rows(self.options.format);
        let rows = rows.map_err(|problem| Refused::invalid("file", problem))?;
        let mut batch = Vec::with_capacity(BATCH);
        for row in rows {
            match row {
                Ok(row) => batch.push(row),
                Err(ended) => {
                    self.report.ended = Some(ended);
                    break;
                }
            }
            if batch.len() == BATCH {
                self.take(std::mem::take(&mut batch)).await?;
            }
        }
        self.take(batch).await?;
        self.note_refusals().await?;
        Ok(self.report)
    }

    /// Puts on record what the importer was refused, once for each reason: a file can hold any number of such entries.
    async fn note_refusals(&mut self) -> Result<(), StoreError> {
        let mut rest = std::mem::take(&mut self.refusals);
        // Who only asks what would be done has tried nothing.
        if self.options.dry_run {
            return Ok(());
        }
        while let Some((_, refused)) = rest.first().cloned() {
            let same: Vec<String> = rest
                .extract_if(.., |(_, other)| *other == refused)
                .map(|(place, _)| place)
                .collect();
            let target = Target {
                account: None,
                operation: Some(format!("import of {} entries: {}", same.len(), same.join(", "))),
            };
            denied_about(self.app, self.actor, REFUSED, &refused, target).await?;
        }
        Ok(())
    }

    async fn take(&mut self, rows: Vec<Row>) -> Outcome<()> {
        let mut ready = Vec::with_capacity(rows.len());
        for (number, row) in rows.into_iter().enumerate() {
            let Row { place, candidate } = row;
            let username = candidate.as_ref().ok().map(|found| found.entry.username.clone());
            let checked = match candidate {
                Ok(candidate) => self.check((number, place.clone()), candidate).await?,
                Err(problem) => Err(problem),
            };
            match checked {
                Ok(found) => ready.push(found),
                Err(reason) => {
                    let line = Line {
                        place,
                        username,
                        outcome: Done::Skipped,
                        reason: Some(reason),
                        notes: Vec::new(),
                    };
                    self.lines.push((number, line));
                }
            }
        }
        self.make(ready).await?;
        self.lines.sort_by_key(|(number, _)| *number);
        for (_, line) in std::mem::take(&mut self.lines) {
            self.report.add(line);
        }
        Ok(())
    }

    /// Makes those of the accounts that can be made.
    async fn make(&mut self, ready: Vec<Ready>) -> Outcome<()> {
        let mut open = Vec::with_capacity(ready.len());
        for (ready, standing) in self.standings(ready).await? {
            match standing {
                Standing::Free => match self.prepare(ready).await? {
                    Ok(ready) => open.push(ready),
                    Err((ready, problem)) => {
                        let line = ready.line(Done::Skipped, Some(problem));
                        self.lines.push((ready.number, line));
                    }
                },
                standing => self.note(&ready, &standing),
            }
        }
        if self.report.dry_run {
            for ready in open {
                self.lines.push((ready.number, ready.line(Done::Created, None)));
            }
            return Ok(());
        }
        match self.write(open.clone()).await {
            Ok(()) => Ok(()),
            // Somebody made one of them at this moment: each by itself, so that it stops no other.
            Err(StoreError::Conflict { .. }) => {
                for ready in open {
                    match self.write(vec![ready.clone()]).await {
                        Err(StoreError::Conflict { what }) => {
                            self.note(&ready, &Standing::Taken(format!("{what} is taken")));
                        }
                        done => done?,
                    }
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn note(&mut self, ready: &Ready, standing: &Standing) {
        let line = match standing {
            Standing::Free => ready.line(Done::Created, None),
            Standing::Same => ready.line(Done::Unchanged, None),
            Standing::Differs(fields) => {
                let fields = fields.join(", ");
                ready.line(
                    Done::Skipped,
                    Some(format!("there is such an account, and it differs in {fields}")),
                )
            }
            Standing::Taken(problem) => ready.line(Done::Skipped, Some(problem.clone())),
        };
        self.lines.push((ready.number, line));
    }

    async fn standings(&self, ready: Vec<Ready>) -> Result<Vec<(Ready, Standing)>, StoreError> {
        self.app
            .store
            .scan(async move |db: &mut Conn| {
                let mut standings = Vec::with_capacity(ready.len());
                for ready in ready {
                    let standing = write::standing(db, &ready).await?;
                    standings.push((ready, standing));
                }
                Ok(standings)
            })
            .await
    }

    /// Hashes and seals what is to be kept so.
    async fn prepare(&self, mut ready: Ready) -> Outcome<Result<Ready, (Ready, String)>> {
        let folder = self
            .source
            .folder()
            .unwrap_or(std::path::Path::new(""))
            .to_owned();
        let load = |source: &SecretSource| source.load(&folder, 0).map_err(|error| error.problem);
        let entry = &ready.candidate.entry;
        let password = match &entry.password {
            None => None,
            Some(PasswordSource::Hash(hash)) => Some(Ok(hash.clone())),
            Some(PasswordSource::Clear(source)) => match load(source) {
                Ok(clear) => Some(self.hash(&clear).await?),
                Err(problem) => Some(Err(problem)),
            },
        };
        let totp = entry.totp.as_ref().map(|source| {
            let bytes = load(source)?;
            let bytes =
                declarative::totp_bytes(&bytes).map_err(|problem| format!("totp_secret {problem}"))?;
            let id = random::uuid();
            Ok::<_, String>((id, self.app.sealer.seal(&format!("totp/{id}"), &bytes)))
        });
        match (password.transpose(), totp.transpose()) {
            (Ok(password), Ok(totp)) => {
                ready.password = password;
                ready.totp = totp;
                Ok(Ok(ready))
            }
            (Err(problem), _) | (_, Err(problem)) => Ok(Err((ready, problem))),
        }
    }

    async fn hash(&self, clear: &Secret) -> Outcome<Result<String, String>> {
        if let Err(problem) = declarative::check_clear_password(clear) {
            return Ok(Err(format!("the password {problem}")));
        }
        if self.report.dry_run {
            return Ok(Ok(String::new()));
        }
        Ok(Ok(self.app.passwords.hash(clear.expose()).await?))
    }

    /// Writes accounts in one transaction; what came between is seen in it.
    async fn write(&mut self, open: Vec<Ready>) -> Result<(), StoreError> {
        if open.is_empty() {
            return Ok(());
        }
        let writer = Writer {
            now: self.app.now(),
            giver: self.actor.to_string(),
            events: open
                .iter()
                .map(|_| {
                    let event = Event::now(self.app, "account.imported").by(self.actor);
                    event.detail(serde_json::json!({ "format": self.options.format.as_str() }))
                })
                .collect(),
        };
        let written = self
            .app
            .store
            .write(async move |db: &mut Conn| writer.write(db, open).await)
            .await?;
        for (ready, standing) in &written {
            self.note(ready, standing);
        }
        Ok(())
    }
}
