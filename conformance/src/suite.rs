//! Runs a plan in the OpenID Foundation's conformance suite through its REST API.
//!
//! The suite's own server speaks plain HTTP (port 8080 of its container) behind a proxy that adds TLS; the base URL
//! is that of the server itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::encode;
use crate::provider::ensure;
use crate::web::Agent;

/// The file that says what to run: ours around, the suite's configuration inside.
#[derive(Deserialize)]
struct Plan {
    plan: String,
    #[serde(default)]
    variant: BTreeMap<String, String>,
    config: Value,
}

/// A module that may end without PASSED, and why.
#[derive(Deserialize)]
struct Expected {
    module: String,
    /// `SKIPPED` or `REVIEW`.
    result: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    #[serde(default)]
    modules: Vec<Module>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Module {
    test_module: String,
    #[serde(default)]
    variant: Option<BTreeMap<String, String>>,
}

/// Every module within this time or it counts as hanging; the suite gives up a little earlier by itself.
const PATIENCE: u32 = 300;

/// Creates the plan, runs its modules one after another and compares the results with `expected-skips.json`
/// beside the folder of the plan.
pub(crate) async fn run(base: &str, file: &str) -> Result<bool, String> {
    let plan: Plan = read(Path::new(file))?;
    let folder = Path::new(file)
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    let expected: Vec<Expected> = read(&folder.join("expected-skips.json"))?;
    let mut agent = Agent::new();
    let base = base.trim_end_matches('/');

    let variant = serde_json::to_string(&plan.variant).map_err(|e| e.to_string())?;
    let query = encode::form(&[("planName", &plan.plan), ("variant", &variant)]);
    let json = [("content-type", "application/json")];
    let answer = agent
        .send(
            Method::POST,
            &format!("{base}/api/plan?{query}"),
            &json,
            plan.config.to_string(),
        )
        .await?;
    ensure(answer.status == StatusCode::CREATED, || {
        format!("plan refused: {} {}", answer.status, answer.body)
    })?;
    let created: Created = serde_json::from_str(&answer.body).map_err(|e| format!("plan: {e}"))?;
    println!(
        "plan {} as {}, {} modules",
        plan.plan,
        created.id,
        created.modules.len()
    );

    let (mut passed, mut excused, mut failed) = (0_u32, 0_u32, 0_u32);
    for module in &created.modules {
        let name = &module.test_module;
        let result = match run_module(&mut agent, base, &created.id, module).await {
            Ok(result) => result,
            Err(why) => why,
        };
        let known = expected
            .iter()
            .any(|entry| entry.module == *name && entry.result == result);
        if result == "PASSED" {
            passed += 1;
            println!("ok {name}");
        } else if known {
            excused += 1;
            println!("skipped {name}: {result}, as expected");
        } else {
            failed += 1;
            println!("FAILED {name}: {result}");
        }
    }
    println!("suite: {passed} passed, {excused} as expected, {failed} failed");
    Ok(failed == 0)
}

async fn run_module(agent: &mut Agent, base: &str, plan: &str, module: &Module) -> Result<String, String> {
    let variant =
        serde_json::to_string(&module.variant.clone().unwrap_or_default()).map_err(|e| e.to_string())?;
    let query = encode::form(&[
        ("test", &module.test_module),
        ("plan", plan),
        ("variant", &variant),
    ]);
    let answer = agent
        .post_form(&format!("{base}/api/runner?{query}"), &[], &[])
        .await?;
    ensure(answer.status == StatusCode::CREATED, || {
        format!("not started: {} {}", answer.status, answer.body)
    })?;
    let created: Created = serde_json::from_str(&answer.body).map_err(|e| format!("runner: {e}"))?;
    for _ in 0..PATIENCE {
        let answer = agent.get(&format!("{base}/api/info/{}", created.id)).await?;
        let info: Value = serde_json::from_str(&answer.body).map_err(|e| format!("info: {e}"))?;
        let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("status") {
            "FINISHED" => return Ok(text("result").to_owned()),
            "INTERRUPTED" => {
                return Err(format!(
                    "INTERRUPTED: {}",
                    failures(agent, base, &created.id).await
                ));
            }
            "CONFIGURED" => {
                agent
                    .post_form(&format!("{base}/api/runner/{}", created.id), &[], &[])
                    .await?;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err("HANGING".to_owned())
}

/// What the log of a module complains about.
async fn failures(agent: &mut Agent, base: &str, id: &str) -> String {
    let Ok(answer) = agent.get(&format!("{base}/api/log/{id}")).await else {
        return String::new();
    };
    let entries: Vec<Value> = serde_json::from_str(&answer.body).unwrap_or_default();
    let complaints = entries
        .iter()
        .filter(|entry| entry.get("result").is_some_and(|result| result == "FAILURE"));
    complaints
        .filter_map(|entry| entry.get("msg").and_then(Value::as_str))
        .collect::<Vec<_>>()
        .join("; ")
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}
