//! The variables that configure the functions, with a command's options in front of them.

/// How a variable is looked up: an option that stands for it comes first, then the process's environment.
pub(crate) fn with_options<'a>(
    options: &'a [(&'static str, Option<String>)],
) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let option = options.iter().find(|(variable, _)| *variable == name);
        option.and_then(|(_, value)| value.clone()).or_else(|| std::env::var(name).ok())
    }
}
