//! The forms that make an account and change one.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use protocol::id::AccountId;
use protocol::profile::PROFILE_CLAIMS;
use protocol::session::MfaPolicy;
use serde_json::{Map, Value, json};

use super::users::{LIST, PART, at, claim, named};
use super::{Answer, Desk};
use crate::administration::accounts::{self, AccountView, Changes, Delivery, NewAccount};
use crate::administration::{Outcome, version};
use crate::app::App;
use crate::pages::{ConsoleView, UserForm};

/// Claims of the form that makes an account.
const FEW_CLAIMS: [&str; 3] = ["name", "given_name", "family_name"];

pub(super) async fn new(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let view = UserForm {
        new: true,
        claims: claims(|_| String::new(), true),
        ..UserForm::default()
    };
    Ok(desk.page(&app, ConsoleView::UserForm(view)))
}

fn claims(value: impl Fn(&'static str) -> String, few: bool) -> Vec<(&'static str, String, usize)> {
    let shown = PROFILE_CLAIMS
        .iter()
        .filter(|claim| !few || FEW_CLAIMS.contains(&claim.name));
    shown
        .map(|claim| (claim.name, value(claim.name), claim.max_length))
        .collect()
}

/// What was typed, to be shown again.
fn typed(desk: &Desk, few: bool) -> UserForm {
    let text = |name: &str| desk.form.get(name).unwrap_or_default().to_owned();
    UserForm {
        username: text("username"),
        email: text("email"),
        email_verified: desk.form.get("email_verified").is_some(),
        must_change_password: desk.form.get("must_change_password").is_some(),
        mfa: text("mfa"),
        claims: claims(text, few),
        version: text("version"),
        ..UserForm::default()
    }
}

pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, "/admin/users/new").await?;
    let text = |name: &str| desk.form.get(name).map(str::trim).map(str::to_owned);
    let given = FEW_CLAIMS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::String(text(name)?))));
    let new = NewAccount {
        username: text("username").unwrap_or_default(),
        email: text("email"),
        claims: given.collect(),
        roles: app.config.accounts.default_roles.iter().cloned().collect(),
        delivery: Delivery::Mail,
        ..NewAccount::default()
    };
    // Whoever may give no roles makes an account without any.
    let new = match desk.may(protocol::permission::ROLES_ASSIGN) {
        true => new,
        false => NewAccount {
            roles: Default::default(),
            ..new
        },
    };
    match accounts::create(&app, &desk.actor, new).await {
        Ok(created) => Ok(desk.done(&at(AccountId(created.details.account.id)), "account-created")),
        Err(error) => desk.form_again(&app, error, |refusal| {
            ConsoleView::UserForm(UserForm {
                new: true,
                refusal: Some(refusal),
                ..typed(&desk, true)
            })
        }),
    }
}

pub(super) async fn edit(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let id = named(&app, &desk, &id)?;
    let found = accounts::read(&app, &desk.actor, id).await;
    let found = found.map_err(|error| desk.fail(&app, error))?;
    let account = &found.account;
    let view = UserForm {
        id: id.to_string(),
        username: account.username.clone(),
        email: account.email.clone().unwrap_or_default(),
        email_verified: account.email_verified,
        must_change_password: account.must_change_password,
        mfa: account.mfa.map_or("", MfaPolicy::as_str).to_owned(),
        claims: claims(|name| claim(account, name), false),
        version: version::tag(&found).unwrap_or_default(),
        oneself: desk.actor.account() == Some(id),
        ..UserForm::default()
    };
    Ok(desk.page(&app, ConsoleView::UserForm(view)))
}

pub(super) async fn change(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let id = named(&app, &desk, &id)?;
    let oneself = desk.actor.account() == Some(id);
    let changed: Outcome<()> = async {
        let found = accounts::read(&app, &desk.actor, id).await?;
        // What differs from what was shown is what was meant.
        let expected = desk.expected();
        expected.check(&found)?;
        let changes = differences(&desk, &found.account, oneself);
        accounts::change(&app, &desk.actor, id, changes, expected).await?;
        Ok(())
    }
    .await;
    match changed {
        Ok(()) => Ok(desk.done(&at(id), "account-changed")),
        Err(error) => desk.form_again(&app, error, |refusal| {
            ConsoleView::UserForm(UserForm {
                id: id.to_string(),
                oneself,
                refusal: Some(refusal),
                ..typed(&desk, false)
            })
        }),
    }
}

/// What the form says differently from the account. Of one's own account it has the profile alone.
fn differences(desk: &Desk, account: &AccountView, oneself: bool) -> Changes {
    let text = |name: &str| desk.form.get(name).map(str::trim).map(str::to_owned);
    let is_on = |name: &str| desk.form.get(name).is_some();
    let mut changed = Map::new();
    for profile in &PROFILE_CLAIMS {
        let typed = text(profile.name).unwrap_or_default();
        if typed != claim(account, profile.name) {
            changed.insert(
                profile.name.to_owned(),
                if typed.is_empty() {
                    Value::Null
                } else {
                    json!(typed)
                },
            );
        }
    }
    let changes = Changes {
        claims: changed,
        ..Changes::default()
    };
    if oneself {
        return changes;
    }
    let (username, email) = (text("username").unwrap_or_default(), text("email"));
    let verified = is_on("email_verified");
    let must = is_on("must_change_password");
    let mfa = text("mfa").as_deref().and_then(MfaPolicy::parse);
    Changes {
        username: (username != account.username).then_some(username),
        email_verified: (verified != account.email_verified || email != account.email).then_some(verified),
        email: (email != account.email).then_some(email),
        mfa: (mfa != account.mfa).then_some(mfa),
        must_change_password: (must != account.must_change_password).then_some(must),
        ..changes
    }
}
