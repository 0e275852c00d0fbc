//! The network a client calls from, under a name that tells nobody which one it is.

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How much of the seal is the name: 128 bits never meet by chance.
const NAME_BYTES: usize = 16;

/// The name of a client's network: its /24 (IPv4) or /56 (IPv6: what one household has), sealed with the key that all
/// gateways of a cluster share. 32 lower-case hex digits.
pub(crate) fn name(shared: &str, client: IpAddr) -> String {
    let seal = Hmac::<Sha256>::new_from_slice(shared.as_bytes()).expect("HMAC takes keys of any length");
    let seal = match client.to_canonical() {
        IpAddr::V4(four) => seal.chain_update(&four.octets()[..3]),
        IpAddr::V6(six) => seal.chain_update(&six.octets()[..7]),
    };
    HEXLOWER.encode(&seal.finalize().into_bytes()[..NAME_BYTES])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn neighbours_share_a_name_that_only_the_key_leads_to() {
        let of = |text: &str| name("an-edge-key-for-tests", text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:ff::1"), of("2001:db8:0:1::2"));
        assert_ne!(of("2001:db8:0:ff::1"), of("2001:db8:0:100::1"));
        assert_ne!(of("192.0.2.1"), name("another", "192.0.2.1".parse().unwrap()));
        assert_eq!(of("192.0.2.1").len(), 32);
    }
}
