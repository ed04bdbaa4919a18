//! The proxies between one process and all brokers.

use scriptmill::broker::Address;
use scriptmill_sdk::connect::Brokers;

use crate::support::proxy::{End, Proxy, Trouble, Way};

/// The proxies between one process and all brokers. What happens to the process's connections happens on all of them.
pub(crate) struct Link(Vec<Proxy>);

impl Link {
    /// Proxies to these brokers. The process begins with the one whose `turn` it is.
    pub(crate) async fn to(brokers: &[Address], turn: usize) -> Self {
        let mut proxies = Vec::new();
        for place in 0..brokers.len() {
            proxies.push(Proxy::to(&brokers[(turn + place) % brokers.len()]).await);
        }
        Self(proxies)
    }

    /// The addresses as the process is given them.
    pub(crate) fn addresses(&self) -> String {
        let addresses: Vec<_> = self.0.iter().map(|proxy| proxy.address.uri().to_string()).collect();
        addresses.join(",")
    }

    pub(crate) fn brokers(&self) -> Brokers {
        Brokers::at(self.0.iter().map(|proxy| proxy.address.clone()))
    }

    pub(crate) fn strike(&self, trouble: Trouble, way: Way) {
        for proxy in &self.0 {
            proxy.strike(trouble, way);
        }
    }

    pub(crate) fn end(&self, end: End) {
        for proxy in &self.0 {
            proxy.end(end);
        }
    }
}
