//! A service behind a real nginx with the configuration that we ship.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request as Received;
use axum::http::HeaderMap;
use ipnet::IpNet;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use super::{CLIENTS, SECRET, assign, token_of};
use crate::support::{Answer, Browser, Request, Server, basic};

const SITE: &str = include_str!("../../.packaging/nginx-forward-auth.conf");

/// The headers of the requests that reached the service.
type Seen = Arc<Mutex<Vec<HeaderMap>>>;

async fn service() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let noted = seen.clone();
    let router = Router::new().fallback(async move |request: Received| {
        noted.lock().unwrap().push(request.headers().clone());
        "the service"
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

/// A process that ends with the test.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> Option<PathBuf> {
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    places.iter().map(PathBuf::from).find(|path| path.exists())
}

fn configuration(folder: &Path, port: u16, chancery: SocketAddr, app: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nmaster_process off;\nerror_log stderr warn;\npid {folder}/nginx.pid;\nevents {{}}\n\
         http {{\n access_log off;\n client_body_temp_path {folder}/body;\n proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\n uwsgi_temp_path {folder}/uwsgi;\n scgi_temp_path {folder}/scgi;\n\
         upstream chancery {{ server {chancery}; keepalive 8; }}\n upstream app {{ server {app}; }}\n\
         server {{\n listen 127.0.0.1:{port};\n include {folder}/site.conf;\n\
         location / {{ proxy_pass http://chancery; proxy_set_header Host $host; }}\n }}\n}}\n"
    )
}

impl Nginx {
    /// Takes the port that the issuer names.
    async fn start(binary: &Path, port: u16, chancery: SocketAddr, app: SocketAddr) -> Nginx {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("site.conf"), SITE).unwrap();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), port, chancery, app)).unwrap();
        let child = Command::new(binary)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut nginx = Nginx {
            child,
            address,
            _folder: folder,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).await.is_err() {
            assert!(nginx.child.try_wait().unwrap().is_none(), "nginx has ended");
            assert!(Instant::now() < deadline, "nginx does not listen");
            tokio::task::yield_now().await;
        }
        nginx
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        request.send(self.address).await
    }
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// Chancery and a service behind nginx, where it is installed.
async fn behind_nginx(test: &str) -> Option<(Server, Nginx, Seen)> {
    let Some(binary) = binary() else {
        eprintln!("SKIPPED {test}: nginx is not installed");
        return None;
    };
    let port = free_port().await;
    let server = Server::start_with(|config| {
        config.server.issuer = format!("http://127.0.0.1:{port}");
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse::<IpNet>().unwrap()];
    })
    .await;
    server.apply(CLIENTS).await;
    let (app, seen) = service().await;
    let nginx = Nginx::start(&binary, port, server.running.address, app).await;
    Some((server, nginx, seen))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    assert!(headers.get_all(name).iter().count() <= 1, "{name} arrives twice");
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn nginx_lets_in_whom_chancery_lets_in_and_says_who_it_is() {
    let test = "nginx_lets_in_whom_chancery_lets_in_and_says_who_it_is";
    let Some((server, nginx, seen)) = behind_nginx(test).await else {
        return;
    };
    let carol = server.account_id("carol").await;
    let token = token_of(&server, "carol", super::CAROL, "openid books:read").await;
    let bearer = format!("Bearer {token}");

    let spoofed = [
        ("x-auth-subject", "alice"),
        ("X-AUTH-USERNAME", "root"),
        ("x-auth-scope", "everything"),
        ("x-auth-roles", "super_admin"),
        ("x_auth_roles", "super_admin"),
    ];
    assert_eq!(
        nginx.get("/app/", &[("authorization", "Bearer x")]).await.status,
        401
    );
    let mut posted = Request::form("/app/", &[]);
    for (name, value) in spoofed {
        posted = posted.header(name, value);
    }
    assert_eq!(posted.send(nginx.address).await.status, 401);
    assert!(seen.lock().unwrap().is_empty());

    let mut headers = spoofed.to_vec();
    headers.extend([
        ("authorization", bearer.as_str()),
        ("cookie", "chancery-session=x; other=y"),
    ]);
    let answer = nginx.get("/app/page?x=1", &headers).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "the service"));
    {
        let seen = seen.lock().unwrap();
        let [arrived] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(header(arrived, "x-auth-subject"), Some(carol.to_string()));
        assert_eq!(header(arrived, "x-auth-username"), Some("carol".into()));
        assert_eq!(header(arrived, "x-auth-scope"), Some("openid books:read".into()));
        for name in [
            "x-auth-roles",
            "x_auth_roles",
            "authorization",
            "cookie",
            "x-api-key",
        ] {
            assert_eq!(header(arrived, name), None, "{name}");
        }
    }

    // Not without the permission, and not past the proxy.
    let little = token_of(&server, "alice", super::ALICE, "openid").await;
    let little = format!("Bearer {little}");
    assert_eq!(
        nginx.get("/app/", &[("authorization", &little)]).await.status,
        403
    );
    assert_eq!(
        nginx
            .get("/forward-auth", &[("authorization", &bearer)])
            .await
            .status,
        404
    );
    assert_eq!(
        nginx.get("/_auth", &[("authorization", &bearer)]).await.status,
        404
    );

    let revoke =
        Request::form("/revoke", &[("token", &token)]).header("authorization", basic("desk", SECRET));
    assert_eq!(server.send(revoke).await.status, 200);
    let answer = nginx.get("/app/page", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nginx_sends_a_browser_to_the_sign_in_and_lets_it_in_afterwards() {
    let test = "nginx_sends_a_browser_to_the_sign_in_and_lets_it_in_afterwards";
    let Some((server, nginx, seen)) = behind_nginx(test).await else {
        return;
    };
    let alice = server.account_id("alice").await;
    assign(&server, alice, "librarian", None).await;
    let origin = format!("http://{}", nginx.address);

    let host = nginx.address.to_string();
    let answer = nginx.get("/app/page?x=1&y=%2F", &[("host", &host)]).await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    let path = answer.location().strip_prefix(&origin).unwrap().to_owned();
    let mut browser = Browser::new(&server);
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        browser.cookies.insert(name.to_owned(), value.to_owned());
    }
    let page = browser.open(&path).await;
    let fields = [("username", "alice"), ("password", super::ALICE)];
    let mut answer = browser
        .send(crate::support::Form::of(&page.body).filled(&fields))
        .await;
    while !answer.location().starts_with("/app/") {
        answer = browser.send(Request::get(answer.location().to_owned())).await;
    }
    assert_eq!(answer.location(), "/app/page?x=1&y=%2F");

    let cookies = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let answer = nginx
        .get(answer.location(), &[("cookie", &cookies), ("host", &host)])
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "the service"));
    let seen = seen.lock().unwrap();
    let arrived = seen.last().unwrap();
    assert_eq!(header(arrived, "x-auth-username"), Some("alice".into()));
    assert_eq!(header(arrived, "x-auth-roles"), Some("librarian".into()));
    assert_eq!(header(arrived, "cookie"), None);
}
