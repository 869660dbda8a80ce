//! The functions in this process, each set up when it is first needed.

use aws_calls::sdk::Sdk;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::DeadLetterSink;

use crate::Failure;
use crate::handler::{Handler, HandlerName};

/// The functions as the environment configures them, but with dead letters to `D`.
pub(super) struct Handlers<'e, D> {
    environment: Environment<'e>,
    sdk: &'e Sdk,
    dead_letters: D,
    alerts: Option<Handler<D>>,
    analytics: Option<Handler<D>>,
}

impl<'e, D: DeadLetterSink + Clone> Handlers<'e, D> {
    /// None is set up yet.
    pub(super) fn new(environment: Environment<'e>, sdk: &'e Sdk, dead_letters: D) -> Self {
        Handlers { environment, sdk, dead_letters, alerts: None, analytics: None }
    }

    /// Sets a function up, where that is not done yet. No service is asked for anything.
    ///
    /// # Errors
    /// [`Failure::Input`] where the environment does not say how, or names what would lose what is sent back.
    pub(super) async fn prepare(&mut self, name: HandlerName) -> Result<(), Failure> {
        if self.get(name).is_some() {
            return Ok(());
        }
        name.refuse_development(self.environment)?;
        let (environment, dead_letters) = (self.environment, self.dead_letters.clone());
        let handler = Handler::with_dead_letters(name, environment, self.sdk, dead_letters).await?;
        match name {
            HandlerName::Alerts => self.alerts = Some(handler),
            HandlerName::Analytics => self.analytics = Some(handler),
        }
        Ok(())
    }

    /// A function that is set up.
    pub(super) fn get(&self, name: HandlerName) -> Option<&Handler<D>> {
        match name {
            HandlerName::Alerts => self.alerts.as_ref(),
            HandlerName::Analytics => self.analytics.as_ref(),
        }
    }
}
