//! The address a request comes from: the peer's, or what a trusted proxy says about its own peer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;
use std::convert::Infallible;

/// Where a request comes from, to be counted and noted, never to be trusted as proof of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address noted on the way in; the connection's own where there is none.
    pub fn of(extensions: &http::Extensions) -> ClientAddress {
        let known = extensions.get::<ClientAddress>().copied();
        known.unwrap_or_else(|| ClientAddress(peer(extensions)))
    }
}

/// The peer, or the right-most hop of `X-Forwarded-For` that is no trusted proxy when the peer is one.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let mut address = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(address) {
        return ClientAddress(address);
    }
    let hops = headers.get_all("x-forwarded-for").iter().rev();
    for hop in hops.flat_map(|value| value.to_str().unwrap_or("?").rsplit(',')) {
        // What is left of a hop that cannot be read was written by strangers.
        let Some(hop) = parse(hop.trim()) else { break };
        address = hop;
        if !is_trusted(address) {
            break;
        }
    }
    ClientAddress(address)
}

fn parse(hop: &str) -> Option<IpAddr> {
    let unbracketed = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address = unbracketed
        .parse()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// The address of the connection; unspecified where there is none, as in tests without a socket.
pub fn peer(extensions: &http::Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| {
            address.ip()
        })
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(ClientAddress::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).into();
        let cases: [(&str, &[&str], &str); 10] = [
            ("192.0.2.1", &["198.51.100.9"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["1.2.3.4, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["1.2.3.4, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["1.2.3.4, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.9:4711"], "198.51.100.9"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("fd00::1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ];
        for (peer, forwarded, expected) in cases {
            let headers: HeaderMap = forwarded
                .iter()
                .map(|value| {
                    (
                        http::HeaderName::from_static("x-forwarded-for"),
                        HeaderValue::try_from(*value).unwrap(),
                    )
                })
                .collect();
            let found = client_address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(
                found,
                ClientAddress(expected.parse().unwrap()),
                "{peer} {forwarded:?}"
            );
        }
    }
}
