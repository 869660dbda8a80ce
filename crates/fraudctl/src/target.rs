//! What an option that takes a target names.

/// The table of `dynamodb:<table>`.
pub(crate) fn table_name(target: &str) -> Result<String, String> {
    match target.split_once(':') {
        Some(("dynamodb", table)) if !table.is_empty() => Ok(table.to_owned()),
        _ => Err("it must be `dynamodb:<table>`".to_owned()),
    }
}
