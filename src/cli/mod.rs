//! The command `affiche`: its subcommands, its exit codes, and how it says what is wrong.

mod check;
mod fonts;
mod health;
mod inputs;
mod licenses;
mod measure;
mod output;
mod render;
mod schema;
mod send;
mod serve;
mod settings;
pub mod setup;
mod subject;
mod variables;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Faults;
use crate::http::error::{self, Failure};
use crate::problem::{Code, Problem, Problems};

#[derive(Parser)]
#[command(name = "affiche", version, about = "Turns a JSON template and variables into a poster image.")]
#[command(after_help = "Without a command, affiche serves. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve over HTTP.
    Serve(serve::Args),
    /// Render a template into a file.
    Render(render::Args),
    /// Tell where everything would lie, as JSON, without a picture.
    Measure(measure::Args),
    /// Tell all that is wrong with a template.
    Check(check::Args),
    /// Upload a file to a service.
    Send(send::Args),
    /// List the fonts there are.
    Fonts(fonts::Args),
    /// Print the JSON Schema of templates.
    Schema,
    /// Ask the service of this machine whether it is ready.
    Health(health::Args),
    /// Print the licences of affiche and of all that is in it.
    Licenses,
}

/// Why a command does not end well.
#[derive(Debug)]
pub enum Fault {
    /// Wrong usage: arguments or settings.
    Usage(String),
    /// Something in what was to be rendered.
    Problems(Problems),
    /// Anything else, with its code for `--json`.
    Failed(Code, String),
    /// A service answered with this problem document.
    Refused {
        message: String,
        document: serde_json::Value,
    },
    Interrupted,
}

impl Fault {
    pub fn failed(code: Code, message: impl Into<String>) -> Fault {
        Fault::Failed(code, message.into())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Fault::Usage(_) => 2,
            Fault::Problems(_) | Fault::Failed(..) | Fault::Refused { .. } => 1,
            Fault::Interrupted => 130,
        }
    }

    /// For people: one line per problem.
    fn lines(&self) -> Vec<String> {
        match self {
            Fault::Usage(message) | Fault::Failed(_, message) | Fault::Refused { message, .. } => {
                message.lines().map(|line| format!("error: {line}")).collect()
            }
            Fault::Problems(problems) => {
                let mut lines: Vec<String> = problems.list().iter().map(|problem| format!("error: {problem}")).collect();
                if problems.dropped() > 0 {
                    lines.push(format!("error: and {} more", problems.dropped()));
                }
                lines
            }
            Fault::Interrupted => vec!["interrupted".to_owned()],
        }
    }

    /// For programs: the problem document of the service.
    fn document(&self) -> Option<serde_json::Value> {
        match self {
            Fault::Problems(problems) => Some(error::document(&Failure::from(problems.clone()), None)),
            Fault::Failed(code, message) => Some(error::document(&Failure::new(*code, message.clone()), None)),
            Fault::Refused { document, .. } => Some(document.clone()),
            Fault::Usage(_) | Fault::Interrupted => None,
        }
    }
}

impl From<Problems> for Fault {
    fn from(problems: Problems) -> Fault {
        Fault::Problems(problems)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Fault {
        Fault::Problems(problem.into())
    }
}

impl From<Faults> for Fault {
    fn from(faults: Faults) -> Fault {
        Fault::Usage(faults.to_string())
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors and go to standard output.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let (done, json) = match cli.command.unwrap_or_else(|| Command::Serve(serve::Args::default())) {
        Command::Serve(args) => (serve::run(args), Json::No),
        Command::Render(args) => {
            let json = args.json();
            (render::run(args), json)
        }
        Command::Measure(args) => {
            let json = args.json();
            (measure::run(&args), json)
        }
        Command::Check(args) => {
            let json = args.json();
            (check::run(&args), json)
        }
        Command::Send(args) => {
            let json = args.json();
            (send::run(&args), json)
        }
        Command::Fonts(args) => (fonts::run(&args), Json::No),
        Command::Schema => (schema::run(), Json::No),
        Command::Health(args) => (health::run(&args), Json::No),
        Command::Licenses => (licenses::run(), Json::No),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            report(&fault, json);
            ExitCode::from(fault.exit_code())
        }
    }
}

/// Where the problem document goes, if it is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Json {
    No,
    /// Standard output.
    Yes,
    /// Standard output is for the picture.
    OnStderr,
}

fn report(fault: &Fault, json: Json) {
    let document = fault.document().map(|document| format!("{document:#}\n"));
    let mut stderr = io::stderr().lock();
    match (json, document) {
        (Json::Yes, Some(document)) => {
            let _ = print(&document);
        }
        (Json::OnStderr, Some(document)) => {
            let _ = stderr.write_all(document.as_bytes());
            return;
        }
        _ => {}
    }
    for line in fault.lines() {
        let _ = writeln!(stderr, "{line}");
    }
}

/// Writes to standard output. A reader that has seen enough is no fault.
pub fn print(text: &str) -> Result<(), Fault> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::failed(Code::NoSpace, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something that is no error to who is watching.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether somebody is watching standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Runs asynchronous work of a command on this thread, until Ctrl-C.
pub fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::failed(Code::Internal, format!("no runtime: {error}")))?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Fault::Interrupted),
        }
    });
    // What still blocks (a name being resolved) is not waited for.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{In, Place};

    #[test]
    fn arguments_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn errors_for_people_and_for_programs() {
        let place = Place::new(In::Template, "/layers/2/font_size");
        let problem = Problem::new(place, Code::UnknownField, "unknown field").hint("did you mean `size`?");
        let fault = Fault::from(problem);
        assert_eq!(fault.lines(), ["error: template /layers/2/font_size: unknown field (did you mean `size`?)"]);
        assert_eq!(fault.document().unwrap()["code"], "unknown_field");
        assert_eq!(Fault::Usage("a\nb".to_owned()).lines(), ["error: a", "error: b"]);
        assert_eq!([fault.exit_code(), Fault::Usage(String::new()).exit_code(), Fault::Interrupted.exit_code()], [1, 2, 130]);
    }
}
