//! The command line as it is read: what stands in every command's help, and what every command takes.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use clap::{ArgMatches, Args, ColorChoice, Command, CommandFactory, FromArgMatches, ValueEnum};
use clap_complete::Shell;

use crate::Failure;
use crate::display::{self, note};

/// Help is no wider, whatever the terminal is. Beyond it lines are hard to read.
const MOST_COLUMNS: usize = 132;
/// The columns that clap reckons with where it cannot tell how many there are.
const COLUMNS: usize = 100;
/// What usage begins with.
const USAGE: &str = "Usage: ";

/// What every command takes.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Colours: on a terminal (auto), always or never.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    color: When,
    /// Write no notes: only the result, and why a command fails.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also tell which AWS is reached, and how long the command took.
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Show no progress on the terminal.
    #[arg(long, global = true)]
    no_progress: bool,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl OutputArgs {
    /// Takes effect for the rest of the process.
    fn apply(self) {
        display::say(display::Said {
            notes: !self.quiet,
            details: self.verbose,
            progress: !(self.quiet || self.no_progress),
        });
    }
}

/// Reads a program's command line.
pub fn parse<T: CommandFactory + FromArgMatches>(output: impl Fn(&T) -> OutputArgs) -> T {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let command = fitting(T::command()).color(colour(&arguments));
    let matches: ArgMatches = command.get_matches_from(arguments);
    let parsed = T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    output(&parsed).apply();
    parsed
}

/// What `--color` says: it must be known before the arguments are read, for their errors have colours as well.
fn colour(arguments: &[OsString]) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    for (index, word) in words.iter().enumerate() {
        let said = match word.strip_prefix("--color") {
            Some("") => words.get(index + 1).map(|next| &**next),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        choice = match said {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => choice,
        };
    }
    choice
}

/// A command whose texts are paragraphs, for clap to break where the terminal ends, and whose usage is broken there.
pub fn fitting(command: Command) -> Command {
    let path = command.get_name().to_owned();
    fitting_at(command.max_term_width(MOST_COLUMNS), &path)
}

/// `path`: as the command is called.
fn fitting_at(command: Command, path: &str) -> Command {
    let after = command.get_after_help().map(|text| paragraphs(&text.to_string()));
    let command = match after {
        Some(after) => command.after_help(after),
        None => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    if names.is_empty() {
        return with_fitting_usage(command, path);
    }
    names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |inner| fitting_at(inner, &path))
    })
}

/// Clap breaks no usage line.
fn with_fitting_usage(command: Command, path: &str) -> Command {
    let usage = command.clone().bin_name(path).render_usage().to_string();
    let width = display::terminal_width().map_or(COLUMNS, usize::from).min(MOST_COLUMNS);
    match usage.strip_prefix(USAGE).filter(|_| usage.len() > width) {
        Some(arguments) => command.override_usage(broken(arguments, width)),
        None => command,
    }
}

/// Breaks a usage between arguments; a flag stays with its value. Lines but the first are indented.
fn broken(usage: &str, width: usize) -> String {
    let mut arguments: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for word in usage.split(' ') {
        match arguments.last_mut() {
            Some(last)
                if depth > 0 || (last.starts_with("--") && !last.contains(' ') && word.starts_with('<')) =>
            {
                *last += &format!(" {word}");
            }
            _ => arguments.push(word.to_owned()),
        }
        depth = (depth + word.matches('<').count()).saturating_sub(word.matches('>').count());
    }
    let indent = " ".repeat(2 * USAGE.len());
    let (mut broken, mut column) = (String::new(), USAGE.len());
    for argument in arguments {
        if broken.is_empty() {
            column += argument.len();
        } else if column + 1 + argument.len() > width {
            broken += &format!("\n{indent}");
            column = indent.len() + argument.len();
        } else {
            broken.push(' ');
            column += 1 + argument.len();
        }
        broken += &argument;
    }
    broken
}

/// Joins the lines of a paragraph; indented ones, such as examples, stay as they are.
fn paragraphs(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut previous: Option<&str> = None;
    for line in text.lines() {
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        match previous {
            None => {}
            Some(previous) if is_prose(previous) && is_prose(line) => joined.push(' '),
            Some(_) => joined.push('\n'),
        }
        joined.push_str(line);
        previous = Some(line);
    }
    joined
}

/// Write the completions of a shell to standard output.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl completions bash > ~/.local/share/bash-completion/completions/fraudctl
  fraudctl completions zsh > ~/.zfunc/_fraudctl
  fraudctl completions fish > ~/.config/fish/completions/fraudctl.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes completions.
pub fn completions(arguments: &CompletionsArgs, mut command: Command) {
    let name = command.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut command, name, &mut io::stdout());
}

/// Write man pages, one for each command, into a folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl man ~/.local/share/man/man1
  man fraudctl-backtest")]
pub struct ManArgs {
    /// The folder; it is made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes man pages.
///
/// # Errors
/// [`Failure::Input`] if the folder cannot be written to.
pub fn man(arguments: &ManArgs, command: Command) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.with_context(|| format!("cannot write to {}", folder.display())).map_err(Failure::input)?;
    note!("written to {}", folder.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_paragraph_are_joined_and_examples_stay() {
        let text = "Examples:\n  one\n  two\n\nA paragraph\nof two lines.\n\nAnother.";
        assert_eq!(paragraphs(text), "Examples:\n  one\n  two\n\nA paragraph of two lines.\n\nAnother.");
    }

    #[test]
    fn usage_is_broken_between_arguments() {
        let usage = "x y [OPTIONS] <--stream <NAME>|--firehose <NAME>> --from <TIME> <FILE|DIR>...";
        assert_eq!(broken(usage, 200), usage);
        let indent = " ".repeat(14);
        let lines =
            ["x y [OPTIONS]", "<--stream <NAME>|--firehose <NAME>>", "--from <TIME>", "<FILE|DIR>..."];
        assert_eq!(broken(usage, 20), lines.join(&format!("\n{indent}")));
        let lines = ["x y [OPTIONS] <--stream <NAME>|--firehose <NAME>>", "--from <TIME> <FILE|DIR>..."];
        assert_eq!(broken(usage, 60), lines.join(&format!("\n{indent}")));
    }

    #[test]
    fn colours_are_as_the_last_flag_says() {
        let of = |words: &[&str]| colour(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["fraudctl"]), ColorChoice::Auto);
        assert_eq!(of(&["fraudctl", "--color", "never", "--color=always"]), ColorChoice::Always);
        assert_eq!(of(&["fraudctl", "--color"]), ColorChoice::Auto);
    }
}
