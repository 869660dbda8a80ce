//! The functions in this process, each set up when it is first needed.

use anyhow::anyhow;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::DeadLetterSink;
use fraud_aws::sdk::Sdk;

use crate::Failure;
use crate::handler::{Handler, HandlerName};

/// Variables and their values that are for development: what they would take is lost with this process, or reaches
/// nobody.
const FOR_DEVELOPMENT: [(&str, &str); 5] = [
    ("ALERT_LEDGER", "memory:"),
    ("ALERT_SINK", "stdout:"),
    ("AGGREGATES", "memory:"),
    ("AGGREGATE_SINK", "stdout:"),
    ("DEAD_LETTERS", "stdout:"),
];

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
        refuse_development(self.environment)?;
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

/// What was accepted is removed: what accepts it must keep it.
fn refuse_development(environment: Environment<'_>) -> Result<(), Failure> {
    for (variable, value) in FOR_DEVELOPMENT {
        if environment.get(variable).is_some_and(|found| found == value) {
            return Err(Failure::input(anyhow!(
                "{variable} is `{value}`, which is for development: what is sent back there would be lost; name what the \
                 deployed functions use"
            )));
        }
    }
    Ok(())
}
