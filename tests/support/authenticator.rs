//! A software authenticator for WebAuthn: it answers options as a browser and its key would, or as somebody who
//! tampers with either.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sha::sha256;
use openssl::sign::Signer;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::Browser;
use super::http::{Answer, Request};

/// One credential in one authenticator. What is public may be set to something wrong.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: EcKey<Private>,
    pub(crate) id: Vec<u8>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) counter: u32,
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    pub(crate) present: bool,
    pub(crate) verified: bool,
    pub(crate) client_data: Vec<(&'static str, Value)>,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn new_key() -> EcKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    EcKey::generate(&group).unwrap()
}

impl Authenticator {
    pub(crate) fn new() -> Authenticator {
        Authenticator {
            key: new_key(),
            id: chancery::random::bytes::<32>().to_vec(),
            user: None,
            counter: 0,
            origin: "http://localhost:8080".into(),
            rp_id: "localhost".into(),
            present: true,
            verified: true,
            client_data: Vec::new(),
        }
    }

    /// The same credential with another key, as a thief of its name would have.
    pub(crate) fn with_other_key(mut self) -> Authenticator {
        self.key = new_key();
        self
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": kind,
            "challenge": options["publicKey"]["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        for (name, value) in &self.client_data {
            data[*name] = value.clone();
        }
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, attested: bool) -> Vec<u8> {
        let flags = u8::from(self.present) | u8::from(self.verified) << 2 | u8::from(attested) << 6;
        let mut data = sha256(self.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        if attested {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(self.public_key());
        }
        data
    }

    /// The public key as COSE has it (RFC 9053 §7.1).
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let point = self
            .key
            .public_key()
            .to_bytes(
                self.key.group(),
                openssl::ec::PointConversionForm::UNCOMPRESSED,
                &mut BigNumContext::new().unwrap(),
            )
            .unwrap();
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(&point[1..33]);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(&point[33..65]);
        cose
    }

    /// Answers creation options.
    pub(crate) fn register(&mut self, options: &Value) -> Value {
        let user = options["publicKey"]["user"]["id"].as_str().unwrap_or_default();
        self.user = Some(URL_SAFE_NO_PAD.decode(user).unwrap());
        let data = self.authenticator_data(true);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
                "attestationObject": encode(&object),
            },
        })
    }

    /// Answers request options.
    pub(crate) fn sign(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(false);
        let key = PKey::from_ec_key(self.key.clone()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.update(&data).unwrap();
        signer.update(&sha256(&client_data)).unwrap();
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": encode(&client_data),
                "authenticatorData": encode(&data),
                "signature": encode(&signer.sign_to_vec().unwrap()),
                "userHandle": self.user.as_deref().map(encode),
            },
        })
    }
}

/// The part of a page that its passkey script works with.
#[derive(Clone, Debug)]
pub(crate) struct PasskeyBox {
    pub(crate) options: String,
    pub(crate) finish: String,
    pub(crate) csrf: String,
}

impl PasskeyBox {
    pub(crate) fn of(page: &Answer) -> PasskeyBox {
        PasskeyBox::find(page)
            .unwrap_or_else(|| panic!("no passkeys on this page: {} {}", page.status, page.body))
    }

    pub(crate) fn find(page: &Answer) -> Option<PasskeyBox> {
        let html = Html::parse_document(&page.body);
        let element = html.select(&Selector::parse("#passkey").unwrap()).next()?;
        let data = |name| element.value().attr(name).unwrap_or_default().to_owned();
        Some(PasskeyBox {
            options: data("data-options"),
            finish: data("data-finish"),
            csrf: data("data-csrf"),
        })
    }

    /// A message as the script sends it.
    pub(crate) fn message(&self, path: &str, body: &Value) -> Request {
        Request::new("POST", path)
            .header("content-type", "application/json")
            .header("x-csrf-token", self.csrf.as_str())
            .body(body.to_string())
    }

    /// Asks for options.
    pub(crate) async fn begin(&self, browser: &mut Browser<'_>) -> Value {
        let answer = browser.send(self.message(&self.options, &json!({}))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Brings the answer of an authenticator.
    pub(crate) async fn end(&self, browser: &mut Browser<'_>, begun: &Value, credential: Value) -> Answer {
        let body = json!({ "state": begun["state"], "credential": credential, "name": "My key" });
        browser.send(self.message(&self.finish, &body)).await
    }

    /// Uses a passkey here, and follows where that leads.
    pub(crate) async fn sign(&self, browser: &mut Browser<'_>, authenticator: &mut Authenticator) -> Answer {
        let begun = self.begin(browser).await;
        let answer = self.end(browser, &begun, authenticator.sign(&begun)).await;
        match answer.status {
            200 => browser.open(&answer.text("location")).await,
            _ => answer,
        }
    }

    /// Registers a passkey here.
    pub(crate) async fn register(
        &self,
        browser: &mut Browser<'_>,
        authenticator: &mut Authenticator,
    ) -> Answer {
        let begun = self.begin(browser).await;
        let credential = authenticator.register(&begun);
        self.end(browser, &begun, credential).await
    }
}
