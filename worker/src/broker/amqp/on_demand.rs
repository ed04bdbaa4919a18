//! A connection for publishing that is opened when it is first needed, and again after it was lost.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::dialler::Dialler;
use super::publisher::Publisher;
use crate::broker::error::Error;

/// A connection for publishing, opened at the first use.
#[derive(Default)]
pub(super) struct OnDemand(Mutex<Option<Arc<Publisher>>>);

impl OnDemand {
    /// The connection, which is opened if there is none or it was lost.
    pub(super) async fn get(&self, dialler: &Dialler) -> Result<Arc<Publisher>, Error> {
        let mut kept = self.0.lock().await;
        if let Some(publisher) = kept.as_ref().filter(|publisher| publisher.is_open()) {
            return Ok(publisher.clone());
        }
        let connection = dialler.connect("outcomes, apart").await?;
        let publisher = Arc::new(Publisher::new(connection, dialler.brokers.timeout).await?);
        *kept = Some(publisher.clone());
        Ok(publisher)
    }
}
