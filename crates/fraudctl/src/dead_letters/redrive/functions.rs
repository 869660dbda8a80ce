//! The functions in this process, each set up when it is first needed.

use aws_calls::sdk::Sdk;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::DeadLetterSink;

use crate::Failure;
use crate::function::{FunctionName, StreamFunction};

/// The functions as the environment configures them, but with dead letters to `D`.
pub(super) struct Functions<'e, D> {
    environment: Environment<'e>,
    sdk: &'e Sdk,
    dead_letters: D,
    alerts: Option<StreamFunction<D>>,
    analytics: Option<StreamFunction<D>>,
}

impl<'e, D: DeadLetterSink + Clone> Functions<'e, D> {
    /// None is set up yet.
    pub(super) fn new(environment: Environment<'e>, sdk: &'e Sdk, dead_letters: D) -> Self {
        Functions { environment, sdk, dead_letters, alerts: None, analytics: None }
    }

    /// Sets a function up, if that is not done yet. No service is asked for anything.
    ///
    /// # Errors
    /// [`Failure::Input`] if the environment does not say how, or names what would lose what is sent back.
    pub(super) async fn prepare(&mut self, name: FunctionName) -> Result<(), Failure> {
        if self.get(name).is_some() {
            return Ok(());
        }
        name.refuse_development(self.environment)?;
        let (environment, dead_letters) = (self.environment, self.dead_letters.clone());
        let handler = StreamFunction::with_dead_letters(name, environment, self.sdk, dead_letters).await?;
        match name {
            FunctionName::Alerts => self.alerts = Some(handler),
            FunctionName::Analytics => self.analytics = Some(handler),
        }
        Ok(())
    }

    /// A function that is set up.
    pub(super) fn get(&self, name: FunctionName) -> Option<&StreamFunction<D>> {
        match name {
            FunctionName::Alerts => self.alerts.as_ref(),
            FunctionName::Analytics => self.analytics.as_ref(),
        }
    }
}
