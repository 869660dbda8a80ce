//! Reports of back-tests as pages: what a policy would have done, to be read and handed on.

use backtest::measures::{Differences, Measures, WithoutFactor};
use fraud_core::policy::Policy;
use page::{Html, page};

mod changes;
mod every_figure;
mod file;
mod plots;
mod tables;
mod words;

pub(crate) use file::claim;

/// What a report is about.
pub(crate) struct Report<'r> {
    /// The policy, and what it would have done.
    pub(crate) policy: &'r Policy,
    pub(crate) measures: &'r Measures,
    /// What each factor is worth to it; empty if that was not asked for.
    pub(crate) without: &'r [WithoutFactor],
    /// What it is compared with, and what is gained and lost.
    pub(crate) against: Option<Against<'r>>,
    /// Whether this is what was decided, by the lines' own scores, and not what would have been.
    pub(crate) was_decided: bool,
    /// All of it as JSON.
    pub(crate) json: &'r str,
}

/// What a policy is compared with.
pub(crate) struct Against<'r> {
    pub(crate) policy: &'r Policy,
    pub(crate) measures: &'r Measures,
    pub(crate) differences: &'r Differences,
}

impl Report<'_> {
    /// One HTML file; the same result gives the same bytes.
    fn to_page(&self) -> String {
        let title = match &self.against {
            _ if self.was_decided => format!("{}: what was decided", self.policy.id()),
            None => format!("{}: what it would have done", self.policy.id()),
            Some(against) => format!("{} against {}", self.policy.id(), against.policy.id()),
        };
        let mut body = Html::new();
        body.heading(1, &title);
        body.paragraph_of("lead", &words::verdict(self.measures));
        body.paragraph_of("note", &words::basis(self.measures));
        let sections: [(&str, Option<Html>); 9] = [
            ("At the threshold", Some(self.headline())),
            ("Over all thresholds", (self.measures.overall.frauds > 0).then(|| self.curves())),
            ("Scores", Some(plots::scores(self.measures))),
            ("Weeks", Some(plots::weeks(self.measures))),
            ("Factors", Some(tables::factors(self.policy, self.measures, self.without))),
            ("Gained and lost", self.against.as_ref().map(|against| changes::html(against.differences))),
            ("Segments", tables::segments(self.measures)),
            ("Labels", Some(tables::labels(self.measures))),
            ("Policy", Some(self.policies())),
        ];
        for (heading, content) in sections {
            let Some(content) = content else { continue };
            let mut section = Html::new();
            section.heading(2, heading);
            section.push(content);
            body.section(section);
        }
        let mut every = Html::new();
        every.heading(2, "Every figure");
        every.details("The numbers of the JSON, with all their digits", every_figure::html(self.json));
        body.section(every);
        page(&title, body)
    }

    fn headline(&self) -> Html {
        let mut html = tables::headline(self.measures);
        if let Some(against) = &self.against {
            let place = if self.was_decided { "In its shadow" } else { "The same of" };
            html.heading(3, &format!("{place} {}", against.policy.id()));
            html.paragraph(&words::verdict(against.measures));
            html.push(tables::headline(against.measures));
        }
        html
    }

    fn curves(&self) -> Html {
        let others = self.against.iter().map(|against| against.measures);
        let all: Vec<&Measures> = others.chain([self.measures]).collect();
        let mut html = plots::precision_recall(&all);
        html.push(plots::value(&all));
        html
    }

    fn policies(&self) -> Html {
        let mut html = Html::new();
        for policy in
            [Some(self.policy), self.against.as_ref().map(|against| against.policy)].into_iter().flatten()
        {
            html.heading(3, policy.id());
            html.paragraph(&format!(
                "Scores from 0 to {}; alerts above {}. Its canonical form, of which the id is a digest:",
                policy.cap(),
                policy.threshold()
            ));
            html.code(&policy.canonical());
        }
        html
    }
}
