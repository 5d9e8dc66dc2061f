//! The network a client belongs to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of a client and the network it is counted under, as Tryton writes both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: String,
    network: String,
}

impl Network {
    /// Of this client; without an address both texts are empty.
    pub fn of(client: Option<IpAddr>, prefix_4: u8, prefix_6: u8) -> Self {
        // A socket for both families shows clients of IPv4 as mapped addresses.
        let Some(client) = client.map(|client| client.to_canonical()) else {
            return Self { address: String::new(), network: String::new() };
        };
        let (base, prefix) = match client {
            IpAddr::V4(address) => {
                let prefix = prefix_4.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                (IpAddr::from(Ipv4Addr::from_bits(address.to_bits() & mask)), prefix)
            }
            IpAddr::V6(address) => {
                let prefix = prefix_6.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                (IpAddr::from(Ipv6Addr::from_bits(address.to_bits() & mask)), prefix)
            }
        };
        Self { address: client.to_string(), network: format!("{base}/{prefix}") }
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Base address and prefix length: `10.1.2.3/32`, `2001:db8:1::/56`.
    pub fn text(&self) -> &str {
        &self.network
    }
}
