//! A mail server of the smallest kind (RFC 5321), which keeps what it is given and refuses when it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf,
    split,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ReceivedMail;

#[derive(Default)]
struct State {
    refusal: Option<&'static str>,
    sign_in: Option<String>,
    messages: Vec<String>,
    recipients: Vec<String>,
    refused: usize,
}

/// A mail server on a port of its own.
#[derive(Clone)]
pub(crate) struct MailServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl MailServer {
    pub(crate) async fn start() -> MailServer {
        MailServer::start_with(None).await
    }

    /// One that speaks TLS from the start.
    pub(crate) async fn start_with(tls: Option<TlsAcceptor>) -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = MailServer {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = server.state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (state.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, state).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// The URL that `mail.smtp_url` takes.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url_with(&self, user: &str, query: &str) -> String {
        format!("smtp://{user}{}{query}", self.address)
    }

    /// From now on answers RCPT with this line, or takes mails again.
    pub(crate) fn refuse(&self, line: Option<&'static str>) {
        self.state.lock().unwrap().refusal = line;
    }

    /// How many mails were refused.
    pub(crate) fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }

    /// User name and password that were sent, behind NULs (RFC 4616).
    pub(crate) fn sign_in(&self) -> Option<String> {
        self.state.lock().unwrap().sign_in.clone()
    }

    /// The recipients of the envelopes.
    pub(crate) fn recipients(&self) -> Vec<String> {
        self.state.lock().unwrap().recipients.clone()
    }

    pub(crate) fn mails(&self) -> Vec<ReceivedMail> {
        let messages = self.state.lock().unwrap().messages.clone();
        messages
            .iter()
            .map(|message| ReceivedMail::parse(message))
            .collect()
    }
}

async fn serve<S: AsyncRead + AsyncWrite>(stream: S, state: Arc<Mutex<State>>) {
    let (read, mut write) = split(stream);
    let mut lines = BufReader::new(read).lines();
    if say(&mut write, "220 mail.example ESMTP").await.is_none() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
            "AUTH" => {
                let sent = line.rsplit(' ').next().unwrap_or_default();
                let sent = String::from_utf8(STANDARD.decode(sent).unwrap()).unwrap();
                state.lock().unwrap().sign_in = Some(sent);
                "235 welcome".to_owned()
            }
            "RCPT" => recipient(&line, &mut state.lock().unwrap()),
            "DATA" => {
                say(&mut write, "354 go on").await;
                let message = data(&mut lines).await;
                state.lock().unwrap().messages.push(message);
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        if say(&mut write, &answer).await.is_none() {
            return;
        }
    }
}

fn recipient(line: &str, state: &mut State) -> String {
    if let Some(refusal) = state.refusal {
        state.refused += 1;
        return refusal.to_owned();
    }
    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
    state.recipients.push(address.to_owned());
    "250 ok".to_owned()
}

async fn data<S: AsyncRead>(lines: &mut Lines<BufReader<ReadHalf<S>>>) -> String {
    let mut message = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "." {
            break;
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
        message.push_str("\r\n");
    }
    message
}

async fn say<S: AsyncWrite>(write: &mut WriteHalf<S>, line: &str) -> Option<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
