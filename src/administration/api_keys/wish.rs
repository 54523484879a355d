//! What somebody wants a new key to be, and what of that can be.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use protocol::time::{Lifetime, Timestamp};

use crate::administration::Refused;
use crate::config::{ApiKeys, Rate};
use crate::declarative::is_name;

const MAX_NAME: usize = 64;
const MAX_PERMISSIONS: usize = 100;
const MAX_NETWORKS: usize = 50;
const MAX_RATE: u32 = 1_000_000;
const MAX_RATE_TIME: Lifetime = Lifetime::days(1);

/// A key as it is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// What to call it.
    pub(crate) name: String,
    /// The permissions it names; `*` stands for all that its owner holds.
    pub(crate) permissions: BTreeSet<String>,
    /// Addresses and networks it may be used from; any when there are none.
    pub(crate) networks: Vec<String>,
    /// How often it may be used, such as `100/1m`.
    pub(crate) rate: Option<String>,
    /// Its end.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Wish {
    /// The wish in the form that is kept, or what is wrong with it.
    pub(super) fn check(self, config: &ApiKeys, now: Timestamp) -> Result<Wish, Refused> {
        let name = self.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            let problem = format!("must be 1 to {MAX_NAME} characters without control characters");
            return Err(Refused::invalid("name", problem));
        }
        if self.permissions.len() > MAX_PERMISSIONS || !self.permissions.iter().all(|name| is_name(name)) {
            let problem = format!("must be at most {MAX_PERMISSIONS} names of permissions");
            return Err(Refused::invalid("permissions", problem));
        }
        if self.networks.len() > MAX_NETWORKS {
            let problem = format!("must be at most {MAX_NETWORKS}");
            return Err(Refused::invalid("networks", problem));
        }
        let networks: Option<Vec<_>> = self.networks.iter().map(|text| network(text)).collect();
        let example = "must be addresses or networks, such as 192.0.2.7 or 2001:db8::/32";
        Ok(Wish {
            name,
            permissions: self.permissions,
            networks: networks.ok_or_else(|| Refused::invalid("networks", example))?,
            rate: self.rate.as_deref().map(rate).transpose()?,
            expires_at: end(self.expires_at, config, now)?,
        })
    }
}

/// A network as it is kept: IPv4 written as IPv6 is IPv4, and no bits are set beyond the prefix.
fn network(text: &str) -> Option<String> {
    let text = text.trim();
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text.parse().ok()?,
    };
    let network = match network {
        IpNet::V6(v6) => match (mapped(v6.addr()), v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(prefix)) => IpNet::V4(Ipv4Net::new(v4, prefix).ok()?),
            _ => IpNet::V6(v6),
        },
        v4 => v4,
    };
    Some(network.trunc().to_string())
}

fn mapped(address: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    address.to_ipv4_mapped()
}

fn rate(text: &str) -> Result<String, Refused> {
    let wrong = |problem: String| Refused::invalid("rate", problem);
    let rate: Rate = text.trim().parse().map_err(wrong)?;
    if rate.count > MAX_RATE || rate.per > MAX_RATE_TIME {
        return Err(wrong(format!(
            "must be at most {MAX_RATE} in at most {MAX_RATE_TIME}"
        )));
    }
    Ok(rate.to_string())
}

/// When a key ends: as asked, and never later than the configuration allows.
fn end(asked: Option<Timestamp>, config: &ApiKeys, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    let latest = config.max_lifetime.map(|lifetime| now + lifetime);
    let Some(asked) = asked else { return Ok(latest) };
    if asked <= now {
        return Err(Refused::invalid("expires_at", "must lie in the future"));
    }
    match (latest, config.max_lifetime) {
        (Some(latest), Some(lifetime)) if asked > latest => {
            let problem = format!("a key lives {lifetime} at most here");
            Err(Refused::invalid("expires_at", problem))
        }
        _ => Ok(Some(asked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1000);

    fn wish() -> Wish {
        Wish {
            name: "backup".into(),
            ..Wish::default()
        }
    }

    #[test]
    fn what_cannot_be_kept_names_its_member() {
        let wrong: [(&str, Wish); 10] = [
            ("name", Wish::default()),
            (
                "name",
                Wish {
                    name: "x".repeat(65),
                    ..wish()
                },
            ),
            (
                "name",
                Wish {
                    name: "a\u{1b}[2Jb".into(),
                    ..wish()
                },
            ),
            (
                "permissions",
                Wish {
                    permissions: ["a b".to_owned()].into(),
                    ..wish()
                },
            ),
            (
                "permissions",
                Wish {
                    permissions: (0..101).map(|n| format!("p{n}")).collect(),
                    ..wish()
                },
            ),
            (
                "networks",
                Wish {
                    networks: vec!["192.0.2.0/33".into()],
                    ..wish()
                },
            ),
            (
                "networks",
                Wish {
                    networks: vec!["::1".into(); 51],
                    ..wish()
                },
            ),
            (
                "rate",
                Wish {
                    rate: Some("0/1m".into()),
                    ..wish()
                },
            ),
            (
                "rate",
                Wish {
                    rate: Some("5/2d".into()),
                    ..wish()
                },
            ),
            (
                "expires_at",
                Wish {
                    expires_at: Some(NOW),
                    ..wish()
                },
            ),
        ];
        for (member, wish) in wrong {
            let refused = wish.check(&ApiKeys::default(), NOW).unwrap_err();
            assert!(
                matches!(&refused, Refused::Invalid { member: named, .. } if named == member),
                "{member}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_can_be_kept_is_kept_in_one_form() {
        let kept = Wish {
            name: " backup ".into(),
            networks: [
                "192.0.2.77/24",
                "::ffff:198.51.100.1",
                "::ffff:10.1.2.3/104",
                "2001:db8::1/32",
            ]
            .map(str::to_owned)
            .into(),
            rate: Some(" 100/60s ".into()),
            ..wish()
        };
        let kept = kept.check(&ApiKeys::default(), NOW).unwrap();
        assert_eq!(kept.name, "backup");
        assert_eq!(
            kept.networks,
            ["192.0.2.0/24", "198.51.100.1/32", "10.0.0.0/8", "2001:db8::/32"]
        );
        assert_eq!(kept.rate.as_deref(), Some("100/1m"));
        assert_eq!(kept.expires_at, None);
    }

    #[test]
    fn no_key_outlives_what_the_configuration_allows() {
        let config = ApiKeys {
            max_lifetime: Some(Lifetime::seconds(100)),
            ..ApiKeys::default()
        };
        let end_of = |expires_at| {
            let checked = Wish { expires_at, ..wish() }.check(&config, NOW);
            checked.map(|wish| wish.expires_at)
        };
        assert_eq!(end_of(None), Ok(Some(Timestamp(1100))));
        assert_eq!(end_of(Some(Timestamp(1050))), Ok(Some(Timestamp(1050))));
        assert!(end_of(Some(Timestamp(1101))).is_err());
    }
}
