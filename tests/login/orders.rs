//! No order of requests gets a code or a page of the account unless both factors were proved: every order of up to
//! six steps is tried, orders that lead to the same state once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::secret::TokenHash;
use protocol::time::Lifetime;
use serde_json::{Value, json};
use store::Conn;

use crate::support::{Answer, Authenticator, Browser, Form, PasskeyBox, Request, Server, query_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    LoginRight,
    LoginWrong,
    SecondRight,
    SecondWrong,
    SecondEmpty,
    Enrol,
    EnrolForeign,
    ForeignPasskey,
    SelectSame,
    SelectOther,
    Allow,
    Resume,
    ResumeFirst,
    Account,
}

const STEPS: [Step; 14] = [
    Step::LoginRight,
    Step::LoginWrong,
    Step::SecondRight,
    Step::SecondWrong,
    Step::SecondEmpty,
    Step::Enrol,
    Step::EnrolForeign,
    Step::ForeignPasskey,
    Step::SelectSame,
    Step::SelectOther,
    Step::Allow,
    Step::Resume,
    Step::ResumeFirst,
    Step::Account,
];

/// What was really proved since the browser last began or changed its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Model {
    password: bool,
    second: bool,
}

struct Person {
    name: &'static str,
    password: &'static str,
    seed: Option<&'static str>,
}

/// One order under way.
struct Run<'a> {
    server: &'a Server,
    person: &'a Person,
    browser: Browser<'a>,
    csrf: String,
    first: String,
    sealed: String,
    secret: Option<Vec<u8>>,
    foreign: &'a Foreign,
    model: Model,
}

/// A whole passkey ceremony, and a TOTP draft, of other browsers.
struct Foreign {
    passkey: Value,
    draft: String,
}

impl<'a> Run<'a> {
    async fn begin(server: &'a Server, person: &'a Person, foreign: &'a Foreign) -> Run<'a> {
        if person.seed.is_none() {
            let id = server.account_id(person.name).await;
            let clear = async move |db: &mut Conn| store::factors::delete_all(db, id).await;
            server.running.app.store.write(clear).await.unwrap();
        }
        let third = [
            ("client_id", "third"),
            ("redirect_uri", "https://third.example/cb"),
            ("scope", "openid profile"),
        ];
        let mut browser = Browser::new(server);
        let page = browser.open(&server.authorize(&third)).await;
        let form = Form::of(&page.body);
        let sealed = query_of(&form.action, "i").unwrap();
        Run {
            server,
            person,
            browser,
            csrf: form.hidden[0].1.clone(),
            first: sealed.clone(),
            sealed,
            secret: person
                .seed
                .map(|seed| chancery::totp::decode_base32(seed).unwrap().to_vec()),
            foreign,
            model: Model::default(),
        }
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = Form {
            action: format!("{path}?i={}", self.sealed),
            hidden: vec![("csrf".into(), self.csrf.clone())],
        };
        self.browser.send(form.filled(fields)).await
    }

    async fn take(&mut self, step: Step) -> Answer {
        let answer = match step {
            Step::LoginRight => {
                let fields = [("username", self.person.name), ("password", self.person.password)];
                let answer = self.post("/login", &fields).await;
                self.model = Model {
                    password: true,
                    second: false,
                };
                answer
            }
            Step::LoginWrong => {
                let fields = [("username", self.person.name), ("password", "not the password")];
                self.post("/login", &fields).await
            }
            Step::SecondRight => {
                // A step works once, so each run comes in a later one.
                self.server.advance(Lifetime::seconds(30));
                let now = self.server.clock.now();
                let code = self
                    .secret
                    .as_ref()
                    .map(|secret| chancery::totp::code(secret, now));
                let answer = self
                    .post("/mfa", &[("code", code.as_deref().unwrap_or("123456"))])
                    .await;
                self.model.second |= self.model.password && code.is_some();
                answer
            }
            Step::SecondWrong => self.post("/mfa", &[("code", "abcdef")]).await,
            Step::SecondEmpty => self.post("/mfa", &[]).await,
            Step::Enrol => self.enrol().await,
            Step::EnrolForeign => {
                let draft = self.foreign.draft.clone();
                self.post("/enrol", &[("draft", &draft), ("code", "123456")])
                    .await
            }
            Step::ForeignPasskey => {
                let path = format!("/login/passkey?i={}", self.sealed);
                let message = passkey_box(&self.csrf).message(&path, &self.foreign.passkey);
                let answer = self.browser.send(message).await;
                assert_eq!(answer.status, 400);
                let path = format!("/mfa/passkey?i={}", self.sealed);
                let message = passkey_box(&self.csrf).message(&path, &self.foreign.passkey);
                self.browser.send(message).await
            }
            Step::SelectSame => self.post("/accounts", &[("choice", "continue")]).await,
            Step::SelectOther => {
                self.model = Model::default();
                self.post("/accounts", &[("choice", "other")]).await
            }
            Step::Allow => self.post("/consent", &[("decision", "allow")]).await,
            Step::Resume => {
                let path = format!("/authorize/{}", self.sealed);
                self.browser.send(Request::get(path)).await
            }
            Step::ResumeFirst => {
                let path = format!("/authorize/{}", self.first);
                self.browser.send(Request::get(path)).await
            }
            Step::Account => self.browser.send(Request::get("/account")).await,
        };
        if let Some(sealed) = answer
            .header("location")
            .and_then(|path| path.strip_prefix("/authorize/"))
        {
            self.sealed = sealed.to_owned();
        }
        answer
    }

    /// Opens the page and, if it shows a secret, confirms its first code.
    async fn enrol(&mut self) -> Answer {
        let page = self
            .browser
            .send(Request::get(format!("/enrol?i={}", self.sealed)))
            .await;
        if page.status != 200 {
            return page;
        }
        let form = Form::of(&page.body);
        let shown = page.body.split("id=\"totp-secret\">").nth(1).unwrap();
        let secret = chancery::totp::decode_base32(shown.split('<').next().unwrap()).unwrap();
        let code = chancery::totp::code(&secret, self.server.clock.now());
        let answer = self.browser.send(form.filled(&[("code", &code)])).await;
        if answer.body.contains("id=\"recovery-codes\"") {
            assert!(self.model.password, "enrolled without a password");
            self.secret = Some(secret.to_vec());
            self.model.second = true;
        }
        answer
    }

    /// All that the next answers can depend on.
    async fn state(&self) -> String {
        let app = &self.server.running.app;
        let opened = app.sealer.open_text("interaction", &self.sealed).unwrap();
        let interaction: Value = serde_json::from_slice(&opened).unwrap();
        let secret = self
            .browser
            .cookies
            .get("session")
            .map(|cookie| TokenHash::of(cookie));
        let now = self.server.clock.now();
        let find = async move |db: &mut Conn| match secret {
            Some(secret) => store::sessions::find_by_secret(db, &secret, now).await,
            None => Ok(None),
        };
        let session = app.store.read(find).await.unwrap().map(|(session, _)| session);
        let same = session
            .as_ref()
            .is_some_and(|session| interaction["signed_in"] == json!(session.id));
        format!(
            "{:?} {:?} {same} {} {} {} {:?} {}",
            self.model,
            session.map(|session| session.factors),
            interaction["signed_in"].is_null(),
            interaction["account_selected"],
            interaction["consented"],
            self.secret.is_some(),
            self.sealed == self.first,
        )
    }
}

fn passkey_box(csrf: &str) -> PasskeyBox {
    PasskeyBox {
        options: String::new(),
        finish: String::new(),
        csrf: csrf.to_owned(),
    }
}

/// Tries all orders; gives how often codes and account pages came.
async fn explore(server: &Server, person: &Person, foreign: &Foreign) -> (usize, usize, usize) {
    let mut seen = BTreeSet::new();
    let mut open: VecDeque<Vec<Step>> = VecDeque::from([Vec::new()]);
    let (mut codes, mut accounts) = (0, 0);
    while let Some(path) = open.pop_front() {
        for step in STEPS {
            let mut run = Run::begin(server, person, foreign).await;
            for before in &path {
                run.take(*before).await;
            }
            let answer = run.take(step).await;
            let full = run.model.password && run.model.second;
            let code = answer
                .header("location")
                .is_some_and(|location| query_of(location, "code").is_some());
            let account = step == Step::Account && answer.status == 200;
            assert!(!code || full, "a code after {path:?} {step:?}");
            assert!(!account || full, "the account after {path:?} {step:?}");
            assert!(
                step != Step::Account || account == full,
                "no account after {path:?}"
            );
            (codes, accounts) = (codes + usize::from(code), accounts + usize::from(account));
            if path.len() < 5 && seen.insert(run.state().await) {
                let mut longer = path.clone();
                longer.push(step);
                open.push_back(longer);
            }
        }
    }
    (codes, accounts, seen.len())
}

/// Things of other browsers that somebody may try to bring.
async fn foreign(server: &Server) -> Foreign {
    let mut browser = Browser::new(server);
    let page = browser
        .sign_in("/account/security", "alice", "correct horse battery staple")
        .await;
    let mut authenticator = Authenticator::new();
    let added = PasskeyBox::of(&page)
        .register(&mut browser, &mut authenticator)
        .await;
    assert_eq!(added.status, 200);
    let page = browser.open("/account/security/totp").await;
    let hidden: BTreeMap<_, _> = Form::of(&page.body).hidden.into_iter().collect();
    let mut other = Browser::new(server);
    let page = other.open(&server.authorize(&[])).await;
    let begun = PasskeyBox::of(&page).begin(&mut other).await;
    Foreign {
        passkey: json!({ "state": begun["state"], "credential": authenticator.sign(&begun) }),
        draft: hidden["draft"].clone(),
    }
}

#[tokio::test]
async fn no_order_of_requests_gets_around_a_factor() {
    let server = Server::start_with(|config| {
        let many = chancery::config::Rate {
            count: 1_000_000,
            per: Lifetime::minutes(1),
        };
        config.rate_limits.sign_in_per_account = many;
        config.rate_limits.sign_in_per_address = many;
        config.accounts.max_failures = 1_000_000;
    })
    .await;
    server
        .apply(
            "[[account]]\nusername = \"carol\"\npassword = \"carol has a long password as well\"\nmfa = \
             \"required\"\n",
        )
        .await;
    let foreign = foreign(&server).await;
    for person in [
        Person {
            name: "bob",
            password: "bob has a long password too",
            seed: Some("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
        },
        Person {
            name: "carol",
            password: "carol has a long password as well",
            seed: None,
        },
    ] {
        let (codes, accounts, states) = explore(&server, &person, &foreign).await;
        assert!(codes > 0 && accounts > 0, "{}: {codes} {accounts}", person.name);
        assert!(states > 5, "{}: {states}", person.name);
    }
}
