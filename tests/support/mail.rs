//! Mails as their readers get them (RFC 5322, RFC 2045, RFC 2047).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::Server;

/// A mail that was sent.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedMail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// Everything before the first empty line, lines joined.
    pub(crate) headers: String,
}

impl Server {
    /// All mails so far, the oldest first; what waits is sent before.
    pub(crate) async fn mails(&self) -> Vec<ReceivedMail> {
        let app = &self.running.app;
        app.tasks.close();
        app.tasks.wait().await;
        app.tasks.reopen();
        chancery::mail::deliver_due(app).await.unwrap();
        let folder = self.config.mail.folder.as_deref().expect("mails go to a folder");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
            .collect();
        // Their names count up.
        files.sort();
        files
            .iter()
            .map(|path| ReceivedMail::parse(&std::fs::read_to_string(path).unwrap()))
            .collect()
    }

    /// The newest mail to an address.
    pub(crate) async fn mail_to(&self, address: &str) -> ReceivedMail {
        let mails = self.mails().await;
        let found = mails.into_iter().rfind(|mail| mail.to == address);
        found.unwrap_or_else(|| panic!("no mail to {address}"))
    }

    /// The link below `path` in a mail to an address. Mails that are sent together come in any order.
    pub(crate) async fn mailed_link(&self, address: &str, path: &str) -> String {
        let mails = self.mails().await.into_iter();
        let texts = mails.filter(|mail| mail.to == address).map(|mail| mail.text);
        let found = texts
            .flat_map(|text| {
                text.lines()
                    .map(|line| line.trim().to_owned())
                    .collect::<Vec<_>>()
            })
            .filter_map(|line| Url::parse(&line).ok())
            .map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
            .rfind(|link| link.starts_with(path));
        found.unwrap_or_else(|| panic!("no link to {path} was mailed to {address}"))
    }
}

impl ReceivedMail {
    pub(crate) fn parse(message: &str) -> ReceivedMail {
        let (headers, body) = split(message);
        let boundary = headers
            .split_once("boundary=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(boundary, _)| format!("--{boundary}"))
            .expect("a mail of several parts");
        let part = |kind: &str| {
            body.split(&boundary)
                .map(|part| split(part.trim_start_matches("\r\n")))
                .find(|(headers, _)| field(headers, "Content-Type").starts_with(kind))
                .map(|(headers, body)| decode(&field(&headers, "Content-Transfer-Encoding"), body))
                .unwrap_or_else(|| panic!("no part {kind}"))
        };
        ReceivedMail {
            to: field(&headers, "To"),
            subject: words(&field(&headers, "Subject")),
            text: part("text/plain"),
            html: part("text/html"),
            headers,
        }
    }

    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        field(&self.headers, name)
    }

    /// Path and query of the first link.
    pub(crate) fn link(&self) -> String {
        self.links().remove(0)
    }

    /// Path and query of every link on a line of its own.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self
            .text
            .lines()
            .map(str::trim)
            .filter_map(|line| Url::parse(line).ok());
        let links: Vec<String> = links
            .filter(|url| url.has_host())
            .map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
            .collect();
        assert!(!links.is_empty(), "no link in {}", self.text);
        links
    }
}

/// Headers, unfolded, and body.
fn split(message: &str) -> (String, &str) {
    let (headers, body) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
    (headers.replace("\r\n ", " ").replace("\r\n\t", " "), body)
}

fn field(headers: &str, name: &str) -> String {
    headers
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn decode(encoding: &str, body: &str) -> String {
    match encoding {
        "base64" => base64(&body.replace("\r\n", "")),
        "quoted-printable" => quoted_printable(&body.replace("=\r\n", "")),
        _ => body.to_owned(),
    }
    .replace("\r\n", "\n")
}

fn base64(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

fn quoted_printable(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Encoded words of a header; a space between two of them is none.
fn words(value: &str) -> String {
    let mut text = String::new();
    for word in value.split(' ') {
        match word
            .strip_prefix("=?utf-8?b?")
            .and_then(|word| word.strip_suffix("?="))
        {
            Some(encoded) => text.push_str(&base64(encoded)),
            None => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
    }
    text
}
