//! The counts of a day, as attributes of a merchant's row.

use super::DayCounts;

/// One of the counts of a merchant's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Transactions.
    Transactions,
    /// Known frauds.
    Frauds,
    /// Known frauds that are ordinary for their customers.
    Ordinary,
}

impl Bucket {
    /// Every count of a day.
    pub const ALL: [Bucket; 3] = [Bucket::Transactions, Bucket::Frauds, Bucket::Ordinary];

    /// The letter that begins the attribute's name.
    fn letter(self) -> char {
        match self {
            Bucket::Transactions => 'n',
            Bucket::Frauds => 'f',
            Bucket::Ordinary => 'o',
        }
    }

    /// The attribute of the count of a day: the letter and the day's number, such as `f20467`.
    pub fn attribute(self, day: i32) -> String {
        format!("{}{day}", self.letter())
    }

    /// The count and the day of an attribute; `None` if it is another attribute.
    pub fn of_attribute(name: &str) -> Option<(Bucket, i32)> {
        let bucket = Bucket::ALL.into_iter().find(|bucket| name.starts_with(bucket.letter()))?;
        let digits = name.get(1..)?;
        let day = digits.parse().ok()?;
        // Of `n7`, `n07` and `n+7` one is a day's.
        (bucket.attribute(day) == name).then_some((bucket, day))
    }

    /// The count of a day.
    pub fn of(self, counts: &mut DayCounts) -> &mut u32 {
        match self {
            Bucket::Transactions => &mut counts.transactions,
            Bucket::Frauds => &mut counts.frauds,
            Bucket::Ordinary => &mut counts.ordinary,
        }
    }
}

/// A count as a row holds it: a whole number of at least 0, saturated; `None` if it is not one.
pub(crate) fn count(digits: &str) -> Option<u32> {
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().unwrap_or(u32::MAX))
}
