//! A client that costs next to nothing, so that the server is what is measured: one connection, kept open, requests
//! written as they are sent, answers read by their `Content-Length`.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::encode;

/// One connection.
pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Connection, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Connection {
            address,
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    pub(super) async fn open_many(address: SocketAddr, count: usize) -> Result<Vec<Connection>, String> {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(Connection::open(address).await?);
        }
        Ok(all)
    }

    /// The bytes of a GET.
    pub(super) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
    }

    /// The bytes of a GET with an access token.
    pub(super) fn get_as(address: SocketAddr, path: &str, token: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")
            .into_bytes()
    }

    /// The bytes of a GET with cookies.
    pub(super) fn get_with(address: SocketAddr, path: &str, cookie: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").into_bytes()
    }

    /// The bytes of a form that a client with a secret sends.
    pub(super) fn form(
        address: SocketAddr,
        path: &str,
        (client, secret): (&str, &str),
        fields: &[(&str, &str)],
    ) -> Vec<u8> {
        let pair = encode::base64(format!("{client}:{secret}").as_bytes());
        let body = encode::form(fields);
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {pair}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// The bytes of JSON that the holder of a token sends.
    pub(super) fn post_json(address: SocketAddr, path: &str, token: &str, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Sends a request and gives status and body.
    pub(super) async fn send(&mut self, request: &[u8]) -> Result<(u16, &[u8]), String> {
        self.stream
            .write_all(request)
            .await
            .map_err(|e| format!("not sent: {e}"))?;
        self.buffer.clear();
        loop {
            if let Some((status, start, end)) = complete(&self.buffer)? {
                return Ok((status, self.buffer.get(start..end).unwrap_or_default()));
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(|e| format!("no answer: {e}"))? == 0 {
                return Err(format!("{} hung up", self.address));
            }
        }
    }

    /// Sends a request that must be answered with 200.
    pub(super) async fn expect_ok(&mut self, request: &[u8]) -> Result<&[u8], String> {
        match self.send(request).await? {
            (200, body) => Ok(body),
            (status, body) => Err(format!("{status}: {}", String::from_utf8_lossy(body))),
        }
    }

    /// Sends a request that must be answered with JSON.
    pub(super) async fn json(&mut self, request: &[u8]) -> Result<Value, String> {
        let body = self.expect_ok(request).await?;
        serde_json::from_slice(body).map_err(|e| format!("no JSON: {e}"))
    }
}

/// Status and the place of the body, once all of it is there.
fn complete(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = bytes.get(..end).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|e| format!("the answer's head: {e}"))?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let (Some(status), Some(length)) = (status, length) else {
        return Err(format!("an answer without status or length: {head}"));
    };
    let (start, end) = (end + 4, end + 4 + length);
    Ok((bytes.len() >= end).then_some((status, start, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-Length: 5\r\n\r\nhello";
        for cut in 0..answer.len() {
            assert_eq!(complete(&answer[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(complete(answer), Ok(Some((200, answer.len() - 5, answer.len()))));
        assert!(complete(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
