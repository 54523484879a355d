//! One decision, and many in one request (AuthZEN §6 and §7).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use protocol::access::request::{self as asked, Asked, Malformed, Semantic};
use protocol::access::{Decision, Question};
use serde::Serialize;
use serde_json::{Value, json};
use store::StoreError;

use super::decision;
use super::request::{answer, malformed, shown};
use crate::app::App;

/// `POST /access/v1/evaluation`
pub(super) async fn one(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, request, async |body| {
        let question = asked::evaluation(&body).map_err(malformed)?;
        shown(&decision::answer(&app, &question).await?)
    })
    .await
}

/// The answer to one question of many.
#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Decision(Decision),
    /// It could not be asked like this.
    Wrong {
        decision: bool,
        context: Value,
    },
}

impl From<Malformed> for Told {
    fn from(wrong: Malformed) -> Told {
        let message = format!("{}: {}", wrong.member, wrong.problem);
        Told::Wrong {
            decision: false,
            context: json!({ "error": { "status": 400, "message": message } }),
        }
    }
}

#[derive(Serialize)]
struct Evaluations {
    evaluations: Vec<Told>,
}

/// `POST /access/v1/evaluations`
pub(super) async fn many(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, request, async |body| {
        match asked::evaluations(&body).map_err(malformed)? {
            Asked::One(question) => shown(&decision::answer(&app, &question).await?),
            Asked::Many(questions, semantic) => shown(&Evaluations {
                evaluations: in_order(&app, questions, semantic).await?,
            }),
        }
    })
    .await
}

async fn in_order(
    app: &App,
    questions: Vec<Result<Question, Malformed>>,
    semantic: Semantic,
) -> Result<Vec<Told>, StoreError> {
    let mut told = Vec::with_capacity(questions.len());
    for question in questions {
        let (decision, answer) = match question {
            Ok(question) => {
                let decision = decision::answer(app, &question).await?;
                (decision, Told::Decision(decision))
            }
            Err(wrong) => (Decision::NO, Told::from(wrong)),
        };
        told.push(answer);
        if semantic.ends_with(&decision) {
            break;
        }
    }
    Ok(told)
}
