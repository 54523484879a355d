//! What each kind of request costs the server: CPU time of its process, which holds on a busy machine where rates
//! do not, as ratios to one signature (S), one password hash (A), the emptiest answer (H) and a peer (N) in the same
//! run.

use std::path::Path;
use std::time::Duration;

use tokio::task::LocalSet;

mod http;
mod listing;
mod load;
mod peer;
mod target;
mod work;
mod yardsticks;

use peer::Compared;
use target::Target;
use work::Endpoints;

const LONGEST: Duration = Duration::from_secs(20);
const SECRET: &str = "bench-secret-of-more-than-32-characters";
const PASSWORD: &str = "a long password for the benchmark";
const CALLBACK: &str = "https://bench.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const OURS: Endpoints = Endpoints {
    authorize: "/authorize",
    token: "/token",
};
const DECLARATION: &str = r#"
[[scope]]
name = "books:read"

[[client]]
client_id = "rs256"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "books:read"
access_token_signed_response_alg = "RS256"

[[client]]
client_id = "api"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
may_introspect = true

[[client]]
client_id = "asking"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "access:evaluate"

[[role]]
name = "reader"
permissions = ["books:read"]

[[client]]
client_id = "es256"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "books:read"
access_token_signed_response_alg = "ES256"

[[client]]
client_id = "password"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["password"]
scope = "books:read"
access_token_signed_response_alg = "RS256"

[[client]]
client_id = "refresh"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["password", "refresh_token"]
scope = "books:read"
access_token_signed_response_alg = "RS256"

[[client]]
client_id = "code"
client_secret = "bench-secret-of-more-than-32-characters"
redirect_uris = ["https://bench.example/cb"]
grant_types = ["authorization_code"]
scope = "openid"
access_token_signed_response_alg = "RS256"
id_token_signed_response_alg = "RS256"

[[account]]
username = "bench"
password = "a long password for the benchmark"
roles = ["reader"]

[[account]]
username = "somebody"
password = "another long password for the benchmark"
"#;

/// What something must be.
enum Must {
    /// No more than this, for the reason given.
    AtMost(f64, &'static str),
    /// No less than this.
    AtLeast(f64, &'static str),
    /// Between these two.
    Within(f64, f64, &'static str),
    /// Nothing: it is printed to be divided by.
    Nothing,
}

/// The table as it grows, and whether every must is met.
struct Table {
    met: bool,
}

impl Table {
    fn row(&mut self, work: &str, value: f64, unit: &str, must: &Must) {
        let (limit, rule, within) = match must {
            Must::Nothing => {
                println!("{work:<44} {value:>10.2} {unit}");
                return;
            }
            Must::AtMost(most, rule) => (*most, *rule, value <= *most),
            Must::AtLeast(least, rule) => (*least, *rule, value >= *least),
            Must::Within(least, most, rule) => (*most, *rule, (*least..=*most).contains(&value)),
        };
        self.met &= within;
        let verdict = if within { "ok" } else { "MISSED" };
        println!("{work:<44} {value:>10.2} {unit:<4} must be {rule}: {limit:.2}  {verdict}");
    }
}

/// What a signature and a hash took, in µs, on the machine for which the limits of a refresh, a code and a sign-in were
/// set. On another machine these are scaled by the smaller of what the two take there over that.
const REFERENCE: (f64, f64) = (253.0, 14_000.0);

/// What is compared is measured in turns, this often, and the median counts: a machine that others use too is not as
/// fast at one moment as at another.
const ROUNDS: usize = 5;
/// The same for floods, which take longer.
const FLOODS: usize = 3;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Answers without a signature, in µs each.
struct Answers {
    h: f64,
    jwks: f64,
    discovery: f64,
    introspection: f64,
    evaluation: f64,
    keys: f64,
    /// The front page for anybody, and for somebody with a session.
    front: f64,
    known: f64,
}

impl Answers {
    async fn measure(target: &Target) -> Result<Answers, String> {
        let requests = [
            work::get(target, "/health/live"),
            work::get(target, "/jwks.json"),
            work::get(target, "/.well-known/openid-configuration"),
            work::introspection(target).await?,
            work::evaluation(target).await?,
            work::api_key_introspection(target).await?,
            work::get(target, "/"),
            work::front_page_of_somebody(target).await?,
        ];
        let mut taken = requests.each_ref().map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (request, taken) in requests.iter().zip(&mut taken) {
                taken.push(work::of_one_request(target, request.clone()).await?);
            }
        }
        let [h, jwks, discovery, introspection, evaluation, keys, front, known] = taken.map(median);
        Ok(Answers {
            h,
            jwks,
            discovery,
            introspection,
            evaluation,
            keys,
            front,
            known,
        })
    }
}

/// Answers with signatures, and one signature alone, in µs each. What is compared with something else is measured right
/// after it, and it is the difference or the ratio of each round that is kept.
struct Tokens {
    s: f64,
    rs256: f64,
    rs256_over_s: f64,
    es256: f64,
    refresh: f64,
    refresh_over_rs256: f64,
    codes: f64,
    codes_over_two_s: f64,
}

impl Tokens {
    async fn measure(target: &Target) -> Result<Tokens, String> {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(Tokens::measure_once(target).await?);
        }
        let of = |value: fn(&Tokens) -> f64| median(rounds.iter().map(value).collect());
        Ok(Tokens {
            s: of(|round| round.s),
            rs256: of(|round| round.rs256),
            rs256_over_s: of(|round| round.rs256_over_s),
            es256: of(|round| round.es256),
            refresh: of(|round| round.refresh),
            refresh_over_rs256: of(|round| round.refresh_over_rs256),
            codes: of(|round| round.codes),
            codes_over_two_s: of(|round| round.codes_over_two_s),
        })
    }

    async fn measure_once(target: &Target) -> Result<Tokens, String> {
        let es256 = work::client_credentials(target, "es256").await?;
        let s = yardsticks::signature()?;
        let rs256 = work::client_credentials(target, "rs256").await?;
        let refresh = work::refresh(target, 64, 6000).await?.0;
        let prepared = work::prepare_codes(target, &OURS).await?;
        let s_again = yardsticks::signature()?;
        let codes = work::code_exchange(target, &OURS, prepared).await?;
        Ok(Tokens {
            s: f64::midpoint(s, s_again),
            rs256,
            rs256_over_s: rs256 / s,
            es256,
            refresh,
            refresh_over_rs256: refresh - rs256,
            codes,
            codes_over_two_s: codes - 2.0 * s_again,
        })
    }
}

/// Measures the binary and prints the table; false when something costs more than it must.
pub(crate) async fn run(binary: &str) -> Result<bool, String> {
    LocalSet::new().run_until(measure(Path::new(binary))).await
}

async fn measure(binary: &Path) -> Result<bool, String> {
    use Must::{AtLeast, AtMost, Nothing, Within};
    let mut target = Target::chancery(binary)?;
    target.declare(DECLARATION)?;
    let mut table = Table { met: true };
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let first = millis(target.start()?);
    table.row("start, first ever", first, "ms", &AtMost(1000.0, "at most 1 s"));
    let again = millis(target.start()?);
    table.row(
        "start, existing database",
        again,
        "ms",
        &AtMost(100.0, "at most 100 ms"),
    );
    let idle = target.resident_mib()?;
    table.row("resident memory, idle", idle, "MiB", &AtMost(25.0, "at most 25"));

    // What a server does once it has started, such as making its next keys, is no part of a request.
    work::client_credentials(&target, "rs256").await?;
    let Answers {
        h,
        jwks,
        discovery,
        introspection,
        evaluation,
        keys,
        front,
        known,
    } = Answers::measure(&target).await?;
    table.row("H: the emptiest answer", h, "µs", &Nothing);
    table.row("JWKS", jwks, "µs", &AtMost(1.3 * h, "at most 1.3 H"));
    table.row("discovery", discovery, "µs", &AtMost(1.3 * h, "at most 1.3 H"));
    let rule = AtMost(3.0 * h, "at most 3 H");
    table.row("introspection", introspection, "µs", &rule);
    table.row("access evaluation", evaluation, "µs", &rule);
    table.row("introspection of an API key", keys, "µs", &rule);
    table.row("front page", front, "µs", &Nothing);
    let rule = AtMost(front + 10.0, "at most 10 µs more");
    table.row("front page, with a session", known, "µs", &rule);

    let Tokens {
        s,
        rs256,
        rs256_over_s,
        es256,
        refresh,
        refresh_over_rs256,
        codes,
        codes_over_two_s,
    } = Tokens::measure(&target).await?;
    table.row("S: one RSA-2048 signature", s, "µs", &Nothing);
    table.row("client credentials, RS256", rs256, "µs", &Nothing);
    let rule = AtMost(1.2, "at most 1.20 S");
    table.row("the same as a multiple of S", rs256_over_s, "S", &rule);
    table.row("client credentials, ES256", es256, "µs", &Nothing);
    let mut taken = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let (hash, sign_in) = (yardsticks::hash()?, work::password_sign_in(&target).await?);
        for (taken, value) in taken.iter_mut().zip([hash, sign_in, sign_in - hash]) {
            taken.push(value);
        }
    }
    let [a, sign_in, sign_in_over_a] = taken.map(median);
    let slowness = (s / REFERENCE.0).min(a / REFERENCE.1);
    table.row("scale of the limits that follow", slowness, "", &Nothing);
    table.row("refresh with rotation, 64 clients", refresh, "µs", &Nothing);
    let rule = AtMost(80.0 * slowness, "at most 80 µs, scaled");
    table.row("more than client credentials", refresh_over_rs256, "µs", &rule);
    table.row("code exchange, two signatures", codes, "µs", &Nothing);
    let rule = AtMost(120.0 * slowness, "at most 120 µs, scaled");
    table.row("more than 2 S", codes_over_two_s, "µs", &rule);
    table.row("A: one Argon2id hash", a, "µs", &Nothing);
    table.row("password sign-in, with its token", sign_in, "µs", &Nothing);
    let rule = AtMost(2000.0 * slowness, "at most 2 ms, scaled");
    table.row("more than A", sign_in_over_a, "µs", &rule);
    let compared = work::refusals_compared(&target).await?;
    let rule = Within(0.95, 1.05, "alike");
    table.row("wrong password: somebody's over nobody's", compared, "", &rule);
    let waited = work::jwks_under_load(&target).await?;
    let rule = AtMost(1.0, "at most 1 ms");
    table.row("JWKS while RS256 saturates, p50", waited, "ms", &rule);

    let mut floods = Vec::new();
    for _ in 0..FLOODS {
        floods.push(work::flood(&target).await?);
    }
    let share = median(floods.iter().map(|flood| flood.share).collect());
    let rule = AtLeast(0.8, "at least 0.80");
    table.row("tokens in a flood of sign-ins, share", share, "", &rule);
    let longest = floods.iter().map(|flood| flood.longest_refusal);
    let rule = AtMost(1500.0, "at most 1.5 s");
    table.row(
        "longest wait for a refusal",
        longest.fold(0.0, f64::max),
        "ms",
        &rule,
    );
    let refused = load::as_f64(floods.iter().map(|flood| flood.refused).sum());
    table.row("sign-ins refused meanwhile", refused, "", &AtLeast(1.0, "some"));
    let flooded = target.resident_mib()?;
    table.row(
        "resident memory, flooded",
        flooded,
        "MiB",
        &AtMost(150.0, "at most 150"),
    );

    let (_, alone) = work::refresh(&target, 1, 300).await?;
    let (_, together) = work::refresh(&target, 64, 3000).await?;
    table.row("refreshes in a second, one client", alone, "1/s", &Nothing);
    let rule = AtLeast(3.0 * alone, "at least 3 times one client's");
    table.row("refreshes in a second, 64 clients", together, "1/s", &rule);
    // Threads that hash passwords give their memory back when there has been no work for a while.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let loaded = target.resident_mib()?;
    table.row(
        "resident memory, after load",
        loaded,
        "MiB",
        &AtMost(64.0, "at most 64"),
    );
    match peer::measure(&target).await {
        Ok(n) => {
            let kinds = [
                ("RS256", n.rs256, 0.65, "at most 0.65 N"),
                ("ES256", n.es256, 0.25, "at most 0.25 N"),
                ("code exchange", n.codes, 0.85, "at most 0.85 N"),
            ];
            for (kind, Compared { peer, ours }, most, rule) in kinds {
                table.row(&format!("N: node-oidc-provider, {kind}"), peer, "µs", &Nothing);
                table.row("ours as a multiple of N", ours, "N", &AtMost(most, rule));
            }
        }
        Err(why) => println!("N: node-oidc-provider was not measured: {why}"),
    }
    drop(target);

    let listed = listing::measure(binary).await?;
    for page in listed.pages {
        let rule = AtMost(10_000.0, "at most 10 ms");
        table.row(&page.name, page.cost, "µs", &rule);
    }
    let rule = AtMost(64.0, "at most 64");
    table.row("resident memory, 100,000 accounts", listed.resident, "MiB", &rule);
    Ok(table.met)
}
