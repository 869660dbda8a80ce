//! What options name, and the variables that they stand for.

/// How a variable is looked up: an option that stands for it comes first, then the process's environment.
pub(crate) fn with_options<'a>(
    options: &'a [(&'static str, Option<String>)],
) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let option = options.iter().find(|(variable, _)| *variable == name);
        option.and_then(|(_, value)| value.clone()).or_else(|| std::env::var(name).ok())
    }
}

/// The table of `dynamodb:<table>`.
pub(crate) fn table_name(target: &str) -> Result<String, String> {
    match target.split_once(':') {
        Some(("dynamodb", table)) if !table.is_empty() => Ok(table.to_owned()),
        _ => Err("it must be `dynamodb:<table>`".to_owned()),
    }
}
