//! Cancels jobs.

use lapin::BasicProperties;

use super::publishing::{Publication, Unpublished};
use super::{CancelError, Client, DispatchError};
use crate::amqp::CONTENT_TYPE;
use crate::{Cancel, Tenant, connect};

impl Client {
    /// Cancels a job, whoever dispatched it, and waits until the broker has confirmed that all workers will hear of it.
    /// [`Cancel`] says which jobs that ends. The outcome `cancelled` comes as any other does.
    ///
    /// # Errors
    /// The id is not one that a job can have, there is no connection or nowhere to put the cancel, or the broker did not confirm it.
    pub async fn cancel(&self, tenant: &Tenant, id: &str) -> Result<(), CancelError> {
        self.send_cancel(&Cancel::new(tenant.clone(), id)).await
    }

    /// As [`Client::cancel`], with who asks for it and why.
    ///
    /// # Errors
    /// As [`Client::cancel`].
    pub async fn send_cancel(&self, cancel: &Cancel) -> Result<(), CancelError> {
        let shared = &*self.0;
        let body = cancel.to_vec()?;
        let session = shared.session().await.map_err(|error| match error {
            DispatchError::Disconnected(error) => CancelError::Disconnected(error),
            _ => CancelError::Closed,
        })?;
        let properties = BasicProperties::default().with_content_type(CONTENT_TYPE.into()).with_delivery_mode(2);
        let publication = Publication { exchange: &shared.cancels, routing_key: "", body: &body, properties };
        let unconfirmed = |source| CancelError::Unconfirmed { id: cancel.id.clone(), source };
        session.publish(publication, shared.patience()).await.map_err(|error| match error {
            Unpublished::NoQueue => CancelError::NoStream(shared.cancels.clone()),
            Unpublished::Full => unconfirmed(connect::Error::Lost("the stream did not take it".to_owned())),
            Unpublished::Unknown(source) => unconfirmed(source),
        })
    }
}
