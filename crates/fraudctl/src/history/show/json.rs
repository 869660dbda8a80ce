//! A row for programs.

use exact_text::json::{ObjectWriter, number_text};
use exact_text::timestamp::Timestamp;
use fraud_core::history::{Day, EntityValue, Entry, HistoryInputs, Week};

use super::{DAY, Shown, WEEK, amount, date, second};

impl Shown<'_> {
    pub(super) fn json(&self) -> String {
        let Shown { customer, row, history, .. } = self;
        let mut object = ObjectWriter::new();
        object.text("customer_id", customer).json("version", &row.version.unwrap_or_default().to_string());
        time(&mut object, "written_at", row.written);
        object.json("bytes", &row.bytes.to_string());
        time(&mut object, "newest_arrival", self.newest_arrival());
        time(&mut object, "forgotten_until", self.forgotten_until());
        time(&mut object, "first_event_time", history.first_event_time().map(second));
        time(&mut object, "newest_event_time", history.newest_event_time().map(second));
        number_or_null(&mut object, "days_known", self.days_known());
        object
            .json("merchants", &history.merchants().to_string())
            .json("weeks", &array(history.weeks().iter().map(week)))
            .json("days", &array(history.days().iter().map(day)))
            .json("entries", &array(history.entries().iter().map(entry)));
        object.finish()
    }
}

fn array(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(","))
}

fn time(object: &mut ObjectWriter, name: &str, time: Option<Timestamp>) {
    object.text_or_null(name, time.map(|time| time.to_string()).as_deref());
}

fn number_or_null(object: &mut ObjectWriter, name: &str, number: Option<impl ToString>) {
    object.json(name, &number.map_or_else(|| "null".to_owned(), |number| number.to_string()));
}

fn week(Week { week, count, sum }: &Week) -> String {
    let mut object = ObjectWriter::new();
    object.text("from", &date(week.saturating_mul(WEEK)));
    object.json("transactions", &count.to_string()).json("amount", &amount(*sum));
    object.finish()
}

fn day(Day { day, count, sum, outliers }: &Day) -> String {
    let mut object = ObjectWriter::new();
    object.text("day", &date(day.saturating_mul(DAY))).json("transactions", &count.to_string());
    object.json("amount", &amount(*sum)).json("outliers", &outliers.to_string());
    object.finish()
}

fn entry(entry: &Entry) -> String {
    let mut object = ObjectWriter::new();
    time(&mut object, "arrival", Some(Timestamp::saturating_from_millis(entry.arrival())));
    time(&mut object, "event_time", Some(second(entry.event_time())));
    object
        .json("amount", &amount(entry.inputs().amount))
        .bool("counts", entry.counts())
        .bool("outlier", entry.is_outlier())
        .bool("alerted", entry.alerted());
    time(&mut object, "copied_at", entry.copied().map(Timestamp::saturating_from_millis));
    let enrichment = entry.enrichment();
    object.text("enrichment", enrichment.as_str());
    if let Some(profile) = enrichment.profile() {
        let mut members = b"{".to_vec();
        profile.write_members("null", &mut members);
        members.push(b'}');
        object.json("profile", &String::from_utf8_lossy(&members));
    }
    object.json("inputs", &inputs(&entry.inputs()));
    let mut entities = ObjectWriter::new();
    for (key, value) in &entry.known().entities {
        match value {
            EntityValue::None => entities.json(&key.to_string(), "null"),
            EntityValue::Number(number) => entities.json(&key.to_string(), &number_text(*number)),
            EntityValue::Truth(truth) => entities.bool(&key.to_string(), *truth),
        };
    }
    object.json("entities", &entities.finish());
    object.finish()
}

/// The inputs as they are stored, under the names of policies where they are inputs of policies.
fn inputs(inputs: &HistoryInputs) -> String {
    let mut object = ObjectWriter::new();
    object.bool("is_foreign", inputs.is_foreign);
    for (name, count) in [
        ("count_10m", u64::from(inputs.count_10m)),
        ("count_1h", u64::from(inputs.count_1h)),
        ("count_24h", u64::from(inputs.count_24h)),
        ("count_7d", inputs.count_7d),
        ("outliers_2d", inputs.outliers_2d),
        ("outliers_8d", inputs.outliers_8d),
        ("mean_count", inputs.mean_count),
    ] {
        object.json(name, &count.to_string());
    }
    for (name, sum) in [
        ("amount_1h", inputs.amount_1h),
        ("amount_24h", inputs.amount_24h),
        ("amount_7d", inputs.amount_7d),
        ("mean_sum", inputs.mean_sum),
    ] {
        object.json(name, &amount(sum));
    }
    number_or_null(&mut object, "seconds_since_last", inputs.seconds_since_last);
    number_or_null(&mut object, "days_known", inputs.days_known);
    number_or_null(&mut object, "new_merchant", inputs.new_merchant);
    object.finish()
}
