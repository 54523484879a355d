//! Mails to people: written in their language, kept sealed in the outbox by the write that causes them, and sent by
//! a worker, so that no answer waits for a mail server and none tells by its time whether a mail was sent.

mod delivery;
mod letter;
mod relay;
mod transport;
mod words;

use std::sync::atomic::{AtomicU64, Ordering};

use protocol::time::Timestamp;
use uuid::Uuid;

use crate::config::Config;
use crate::delivery::Desk;
use crate::error::BoxError;
use crate::random;

pub use delivery::deliver_due;
pub(crate) use delivery::send;
pub use letter::Letter;
pub(crate) use letter::{mailbox_key, mailbox_under};
pub use transport::destination;

use transport::Transport;
use words::Templates;

/// What a mail tells its reader. Links come from [`crate::links::NewLink`] or are made of the issuer.
#[derive(Clone, Copy, Debug)]
pub enum Mail<'a> {
    /// Somebody asked for an account with this address.
    ConfirmRegistration {
        /// The user name.
        name: &'a str,
        /// Makes the account.
        link: &'a str,
    },
    /// Somebody asked for an account with the address of one that exists.
    AlreadyRegistered {
        /// The sign-in page.
        sign_in: &'a str,
        /// The page for a forgotten password.
        reset: &'a str,
    },
    /// An administrator invites to make an account.
    Invitation {
        /// The sign-up page.
        link: &'a str,
    },
    /// An administrator made an account for somebody.
    Welcome {
        /// The user name.
        name: &'a str,
        /// Where the first password is chosen.
        link: &'a str,
    },
    /// All second factors were removed by an administrator.
    FactorsReset,
    /// Somebody forgot the password.
    ResetPassword {
        /// Where a new one is chosen.
        link: &'a str,
    },
    /// The password was changed.
    PasswordChanged,
    /// A factor was added.
    FactorAdded {
        /// What its holder calls it.
        name: &'a str,
    },
    /// A factor was removed.
    FactorRemoved {
        /// What its holder called it.
        name: &'a str,
    },
    /// New recovery codes were made and the old ones are void.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: usize,
    },
    /// Is this new address theirs?
    ConfirmNewEmail {
        /// The user name of the account that is to have it.
        name: &'a str,
        /// Says that it is.
        link: &'a str,
    },
    /// To the old address: a new one was asked for.
    EmailChangeAsked {
        /// The new address, mostly hidden.
        new_masked: &'a str,
        /// Stops it.
        undo: &'a str,
    },
    /// To the old address, which must agree: a new one was asked for.
    ConfirmEmailChange {
        /// The new address, mostly hidden.
        new_masked: &'a str,
        /// Agrees.
        link: &'a str,
        /// Stops it.
        undo: &'a str,
    },
    /// The address was changed.
    EmailChanged {
        /// The new address, mostly hidden.
        new_masked: &'a str,
    },
    /// So many wrong passwords were tried that only known browsers may go on.
    SignInsBlocked {
        /// The page for a forgotten password.
        reset: &'a str,
    },
    /// An API key was made.
    ApiKeyMade {
        /// What its owner calls it.
        name: &'a str,
    },
    /// A sign-in at another provider was connected.
    UpstreamLinked {
        /// The provider.
        name: &'a str,
    },
    /// A sign-in at another provider was taken away.
    UpstreamUnlinked {
        /// The provider.
        name: &'a str,
    },
    /// The account is shut and will be gone.
    DeletionScheduled {
        /// Takes it back.
        link: &'a str,
        /// The day from which it is gone.
        date: &'a str,
    },
    /// The account is not used, and will lose its person.
    AccountUnused {
        /// The sign-in page.
        sign_in: &'a str,
        /// The day from which it will.
        date: &'a str,
    },
    /// The account is gone.
    AccountDeleted,
}

impl Mail<'_> {
    /// The name of its texts, and in the outbox.
    pub fn kind(&self) -> &'static str {
        match self {
            Mail::ConfirmRegistration { .. } => "confirm-registration",
            Mail::AlreadyRegistered { .. } => "already-registered",
            Mail::Invitation { .. } => "invitation",
            Mail::Welcome { .. } => "welcome",
            Mail::FactorsReset => "factors-reset",
            Mail::ResetPassword { .. } => "reset-password",
            Mail::PasswordChanged => "password-changed",
            Mail::FactorAdded { .. } => "factor-added",
            Mail::FactorRemoved { .. } => "factor-removed",
            Mail::RecoveryCodesMade => "recovery-codes-made",
            Mail::RecoveryCodeUsed { .. } => "recovery-code-used",
            Mail::ConfirmNewEmail { .. } => "confirm-new-email",
            Mail::EmailChangeAsked { .. } => "email-change-asked",
            Mail::ConfirmEmailChange { .. } => "confirm-email-change",
            Mail::EmailChanged { .. } => "email-changed",
            Mail::SignInsBlocked { .. } => "sign-ins-blocked",
            Mail::ApiKeyMade { .. } => "api-key-made",
            Mail::UpstreamLinked { .. } => "upstream-linked",
            Mail::UpstreamUnlinked { .. } => "upstream-unlinked",
            Mail::DeletionScheduled { .. } => "deletion-scheduled",
            Mail::AccountUnused { .. } => "account-unused",
            Mail::AccountDeleted => "account-deleted",
        }
    }
}

/// Whether mails can be written and sent the way the configuration says; nothing is made or asked.
pub fn check(config: &Config) -> Result<(), BoxError> {
    Templates::new(&config.branding)?;
    transport::check(config)
}

/// Whether the mail server answers; `None` where mails go elsewhere.
pub async fn ask(config: &Config) -> Option<Result<(), String>> {
    transport::ask(config).await
}

/// The post room: how mails look, where they go, and the desk of the worker.
pub struct Mailer {
    templates: Templates,
    transport: Transport,
    /// Where its worker listens.
    pub(crate) desk: Desk,
    /// Letters written, so that their names sort.
    written: AtomicU64,
}

impl Mailer {
    /// A post room as the configuration has it.
    pub fn new(config: &Config) -> Result<Mailer, BoxError> {
        Ok(Mailer {
            templates: Templates::new(&config.branding)?,
            transport: Transport::new(config)?,
            desk: Desk::default(),
            written: AtomicU64::new(0),
        })
    }

    /// A name that sorts by time (RFC 9562 §5.7), mails of one second in the order they were written.
    fn next_id(&self, now: Timestamp) -> Uuid {
        let within = self.written.fetch_add(1, Ordering::Relaxed) % 1000;
        let millis = u64::try_from(now.0).unwrap_or_default().saturating_mul(1000) + within;
        uuid::Builder::from_unix_timestamp_millis(millis, &random::bytes()).into_uuid()
    }
}
