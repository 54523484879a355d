//! Requests that what others say makes the server send (`jwks_uri`, logout tokens, upstreams): to public addresses only,
//! so that nobody uses the server to look into the network it stands in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use protocol::secret::Secret;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::error::BoxError;

/// Bytes of a document that is fetched.
pub const MAX_BYTES: usize = 256 * 1024;
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing was fetched. Nothing of it is for the public: it would tell what our network looks like.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not a URL that may be asked.
    #[error("the URL must be https and name a host, without user or fragment")]
    Url,
    /// The host has no address on the public internet.
    #[error("{0} has no public address; outbound.allowed_private_hosts can allow it")]
    Private(String),
    /// The host cannot be reached.
    #[error("{0} cannot be reached")]
    Unreachable(String, #[source] BoxError),
    /// It took longer than five seconds.
    #[error("no answer within five seconds")]
    TimedOut,
    /// The host answered something else than 2xx.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// The answer is too large, cut off or no JSON.
    #[error("the answer cannot be used")]
    Answer(#[source] BoxError),
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("outbound.extra_ca_file {} cannot be used: {why}", path.display())]
pub struct ExtraCaError {
    path: PathBuf,
    why: String,
}

/// The guarded client: no redirects, no proxies, no cookies, one address checked and then used.
#[derive(Clone)]
pub struct Fetch {
    allowed_private_hosts: Arc<[String]>,
    trust: Arc<Trust>,
}

/// Who may say that a host is who it is.
struct Trust {
    /// The operator's own authorities.
    extra: Option<RootCertStore>,
    /// How to talk to hosts of the public authorities first, then of the operator's own; made for the first request.
    tls: OnceLock<Vec<Arc<ClientConfig>>>,
}

impl Trust {
    fn tls(&self) -> &[Arc<ClientConfig>] {
        self.tls.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = || {
                ClientConfig::builder_with_provider(Arc::clone(&provider))
                    .with_safe_default_protocol_versions()
            };
            let mut tls = Vec::new();
            // Every protocol version is compiled in, so that neither of these fails.
            if let Ok(public) = builder() {
                tls.push(Arc::new(public.with_webpki_roots().with_no_client_auth()));
            }
            if let (Some(extra), Ok(own)) = (self.extra.clone(), builder()) {
                tls.push(Arc::new(own.with_root_certificates(extra).with_no_client_auth()));
            }
            tls
        })
    }
}

impl Fetch {
    /// A client that may also ask these hosts (`host` or `host:port`) and trust these authorities.
    pub fn new(
        allowed_private_hosts: &[String],
        extra_ca_file: Option<&Path>,
    ) -> Result<Fetch, ExtraCaError> {
        let extra = extra_ca_file.map(|path| {
            load_roots(path).map_err(|why| ExtraCaError {
                path: path.into(),
                why,
            })
        });
        let allowed = allowed_private_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect();
        Ok(Fetch {
            allowed_private_hosts: allowed,
            trust: Arc::new(Trust {
                extra: extra.transpose()?,
                tls: OnceLock::new(),
            }),
        })
    }

    /// Fetches a JSON document of at most `max_bytes`.
    pub async fn get_json(&self, url: &str, max_bytes: usize) -> Result<serde_json::Value, FetchError> {
        let answer = succeeded(self.send(Message::get(), url, max_bytes).await?)?;
        serde_json::from_slice(&answer).map_err(|error| FetchError::Answer(error.into()))
    }

    /// Fetches a JSON document that is for the bearer of a token only (RFC 6750 §2.1).
    pub async fn get_json_as(&self, url: &str, token: &Secret) -> Result<serde_json::Value, FetchError> {
        let message = Message::get().authorized(&format!("Bearer {}", token.expose()))?;
        let answer = succeeded(self.send(message, url, MAX_BYTES).await?)?;
        serde_json::from_slice(&answer).map_err(|error| FetchError::Answer(error.into()))
    }

    /// Sends a request that a library has made, and gives its answer whatever the status. Of its headers only
    /// `Authorization` goes along; a body is a form.
    pub async fn forward(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let (head, body) = request.into_parts();
        let mut authorization = head.headers.get(AUTHORIZATION).cloned();
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        let message = Message {
            method: head.method,
            authorization,
            ..Message::form(body)
        };
        let answer = self.send(message, &head.uri.to_string(), MAX_BYTES).await?;
        Ok(answer.map(Into::into))
    }

    /// Fetches a text of at most `max_bytes`.
    pub async fn get_text(&self, url: &str, max_bytes: usize) -> Result<String, FetchError> {
        let answer = succeeded(self.send(Message::get(), url, max_bytes).await?)?;
        String::from_utf8(answer.into()).map_err(|error| FetchError::Answer(error.into()))
    }

    /// Sends a JSON document with further headers.
    pub async fn post_json(
        &self,
        url: &str,
        document: Vec<u8>,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<StatusCode, FetchError> {
        let message = Message {
            kind: "application/json",
            headers,
            ..Message::form(document)
        };
        let answer = self.send(message, url, MAX_BYTES).await?;
        Ok(answer.status())
    }

    /// Sends a form, as a logout token is sent (OpenID Connect Back-Channel Logout §2.5).
    pub async fn post_form(&self, url: &str, form: String) -> Result<StatusCode, FetchError> {
        let answer = self.send(Message::form(form), url, MAX_BYTES).await?;
        Ok(answer.status())
    }

    async fn send(
        &self,
        message: Message,
        url: &str,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, FetchError> {
        let target = Target::parse(url)?;
        let exchange = self.exchange(message, &target, max_bytes);
        tokio::time::timeout(TOTAL_TIMEOUT, exchange)
            .await
            .map_err(|_| FetchError::TimedOut)?
    }

    async fn exchange(
        &self,
        message: Message,
        target: &Target,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, FetchError> {
        let unreachable = |error: BoxError| FetchError::Unreachable(target.name(), error);
        let may_be_private = self.allows(target);
        if !target.https && !may_be_private {
            return Err(FetchError::Url);
        }
        let addresses = target.addresses(may_be_private).await?;
        let request = target.request(message)?;
        if !target.https {
            let stream = connect(&addresses)
                .await
                .map_err(|error| unreachable(error.into()))?;
            return converse(stream, request, max_bytes).await;
        }
        let mut failure: BoxError = "there are no certificate authorities".into();
        for config in self.trust.tls() {
            let stream = connect(&addresses)
                .await
                .map_err(|error| unreachable(error.into()))?;
            let server = target.server_name().ok_or(FetchError::Url)?;
            match TlsConnector::from(Arc::clone(config))
                .connect(server, stream)
                .await
            {
                Ok(stream) => return converse(stream, request, max_bytes).await,
                Err(error) => failure = error.into(),
            }
        }
        Err(unreachable(failure))
    }

    fn allows(&self, target: &Target) -> bool {
        let (host, with_port) = (target.host.to_string(), target.name());
        self.allowed_private_hosts
            .iter()
            .any(|allowed| *allowed == host || *allowed == with_port)
    }
}

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetch")
            .field("allowed_private_hosts", &self.allowed_private_hosts)
            .finish_non_exhaustive()
    }
}

fn load_roots(path: &Path) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        Err("it holds no certificate".into())
    } else {
        Ok(roots)
    }
}

/// The body of an answer, if that is one to what was asked.
fn succeeded(answer: Response<Bytes>) -> Result<Bytes, FetchError> {
    if answer.status().is_success() {
        Ok(answer.into_body())
    } else {
        Err(FetchError::Status(answer.status()))
    }
}

/// What is sent, whoever it is sent to.
struct Message {
    method: Method,
    body: Bytes,
    /// What the body is, when it is posted.
    kind: &'static str,
    authorization: Option<HeaderValue>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Message {
    fn get() -> Message {
        Message {
            method: Method::GET,
            ..Message::form(Bytes::new())
        }
    }

    fn form(form: impl Into<Bytes>) -> Message {
        Message {
            method: Method::POST,
            body: form.into(),
            kind: "application/x-www-form-urlencoded",
            authorization: None,
            headers: Vec::new(),
        }
    }

    fn authorized(mut self, authorization: &str) -> Result<Message, FetchError> {
        let mut value =
            HeaderValue::try_from(authorization).map_err(|error| FetchError::Answer(error.into()))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }
}

struct Target {
    https: bool,
    host: Host,
    port: u16,
    path: String,
}

impl Target {
    fn parse(text: &str) -> Result<Target, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::Url)?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(FetchError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(FetchError::Url);
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let port = url.port_or_known_default().ok_or(FetchError::Url)?;
        let host = url.host().ok_or(FetchError::Url)?.to_owned();
        Ok(Target {
            https,
            host,
            port,
            path,
        })
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The addresses that may be connected to; resolved once, so that a second answer cannot differ.
    async fn addresses(&self, may_be_private: bool) -> Result<Vec<SocketAddr>, FetchError> {
        let mut addresses: Vec<SocketAddr> = match &self.host {
            Host::Ipv4(address) => vec![(*address, self.port).into()],
            Host::Ipv6(address) => vec![(*address, self.port).into()],
            Host::Domain(name) => lookup_host((name.as_str(), self.port))
                .await
                .map_err(|error| FetchError::Unreachable(self.name(), error.into()))?
                .collect(),
        };
        if !may_be_private {
            addresses.retain(|address| is_public(address.ip()));
        }
        if addresses.is_empty() {
            Err(FetchError::Private(self.name()))
        } else {
            Ok(addresses)
        }
    }

    fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.host {
            Host::Ipv4(address) => Some(ServerName::IpAddress(IpAddr::V4(*address).into())),
            Host::Ipv6(address) => Some(ServerName::IpAddress(IpAddr::V6(*address).into())),
            Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
        }
    }

    fn request(&self, message: Message) -> Result<Request<Full<Bytes>>, FetchError> {
        let usual = if self.https { 443 } else { 80 };
        let host = if self.port == usual {
            self.host.to_string()
        } else {
            self.name()
        };
        let posted = message.method == Method::POST;
        let mut request = Request::builder()
            .method(message.method)
            .uri(self.path.as_str())
            .header(HOST, host)
            .header(USER_AGENT, HeaderValue::from_static("chancery"))
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if posted {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(message.kind));
        }
        for (name, value) in message.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = message.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(message.body)).map_err(|_| FetchError::Url)
    }
}

async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn converse<IO>(
    stream: IO,
    request: Request<Full<Bytes>>,
    max_bytes: usize,
) -> Result<Response<Bytes>, FetchError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unusable = |error: BoxError| FetchError::Answer(error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| unusable(e.into()))?;
    let asking = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|e| unusable(e.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, max_bytes).collect().await.map_err(unusable)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    // The connection only moves while it is polled; what it says is also what the request then meets.
    tokio::pin!(asking, connection);
    let mut connected = true;
    loop {
        tokio::select! {
            answer = &mut asking => return answer,
            _ = &mut connection, if connected => connected = false,
        }
    }
}

/// Whether an address is one that anybody on the internet can reach (RFC 6890 and its registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 is handed out at all; that leaves out mapped, NAT64, unique local, link local and multicast.
    let [a, b, c, ..] = address.segments();
    let special = match (a, b, c) {
        (0x2001, 0x0000..=0x01ff, _) => true,
        (0x2001, 0x0db8, _) => true,
        (0x2002, ..) => true,
        (0x2620, 0x004f, 0x8000) => true,
        (0x3ffe, ..) => true,
        (0x3fff, 0x0000..=0x0fff, _) => true,
        (0x2000..=0x3fff, ..) => false,
        _ => true,
    };
    !special
}

#[cfg(test)]
mod tests;
