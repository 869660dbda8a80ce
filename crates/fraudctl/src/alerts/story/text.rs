//! The story as text.

use std::fmt::{self, Display, Write as _};

use super::{FactValue, Section, Story};
use crate::display::{on_one_line, table};

impl Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FactValue::Text(text) | FactValue::Number(text) => f.write_str(text),
            FactValue::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
        }
    }
}

impl Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", on_one_line(&self.alert_id), on_one_line(&self.summary))?;
        self.sections.iter().try_for_each(|section| write!(f, "\n\n{section}"))
    }
}

impl Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let width = self.facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or_default();
        for fact in &self.facts {
            let value = fact.value.to_string();
            write!(f, "\n  {:width$}  {}", on_one_line(&fact.name), on_one_line(&value))?;
        }
        if self.factors.is_empty() {
            return Ok(());
        }
        let mut factors =
            table(&["factor", "points", "of at most", "observed", "why"], &["points", "of at most"]);
        for factor in &self.factors {
            factors.add_row([
                factor.name.as_str(),
                &format!("{:.3}", factor.points),
                &format!("{:.3}", factor.most),
                &factor.observed,
                &factor.why,
            ]);
        }
        f.write_char('\n')?;
        factors.fmt(f)
    }
}
