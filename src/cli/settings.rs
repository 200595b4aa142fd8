//! The flags of the settings, made from their table.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Arg, ArgMatches, Command, FromArgMatches};

use crate::cli::Fault;
use crate::config::{Config, Flags, Loaded, SETTINGS, Scope, Setting};

/// Every setting as a flag: of `serve`.
#[derive(Clone, Debug, Default)]
pub struct ServeFlags(Flags);

/// The settings that matter to rendering, shown by `--help` only.
#[derive(Clone, Debug, Default)]
pub struct RenderFlags(Flags);

const CONFIG: &str = "config";

/// How a setting is spelt on the command line.
struct Spelt {
    setting: &'static Setting,
    flag: String,
    form: String,
}

/// clap wants names that live as long as the program.
static SPELT: LazyLock<Vec<Spelt>> = LazyLock::new(|| {
    let spelt = |setting: &'static Setting| Spelt { setting, flag: setting.flag(), form: setting.form.replace('`', "") };
    SETTINGS.iter().map(spelt).collect()
});

fn shown_to(scope: Scope) -> impl Iterator<Item = &'static Spelt> {
    SPELT.iter().filter(move |spelt| scope == Scope::Serve || spelt.setting.scope == Scope::Render)
}

fn augment(mut command: Command, scope: Scope) -> Command {
    let hidden = scope == Scope::Render;
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("TOML file with settings [env: AFFICHE_CONFIG]")
        .help_heading("Settings")
        .hide_short_help(hidden);
    command = command.arg(config);
    for Spelt { setting, flag, form } in shown_to(scope) {
        let later = if setting.later { " Has no effect in this version." } else { "" };
        let help = format!("{}{later} [default: {}] [env: {}]", setting.doc.trim(), setting.default, setting.variable());
        let flag = Arg::new(setting.name)
            .long(flag.as_str())
            .value_name(form.as_str())
            .help(help)
            .help_heading("Settings")
            .allow_hyphen_values(true)
            .hide_short_help(hidden);
        command = command.arg(flag);
    }
    command
}

fn flags(matches: &ArgMatches, scope: Scope) -> Flags {
    let given = |spelt: &'static Spelt| Some((spelt.setting.name, matches.get_one::<String>(spelt.setting.name)?.clone()));
    Flags { file: matches.get_one::<PathBuf>(CONFIG).cloned(), values: shown_to(scope).filter_map(given).collect() }
}

macro_rules! as_args {
    ($name:ident, $scope:expr) => {
        impl clap::Args for $name {
            fn augment_args(command: Command) -> Command {
                augment(command, $scope)
            }

            fn augment_args_for_update(command: Command) -> Command {
                augment(command, $scope)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<$name, clap::Error> {
                Ok($name(flags(matches, $scope)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = flags(matches, $scope);
                Ok(())
            }
        }

        impl $name {
            /// The settings, from these flags and the environment of the process.
            pub fn load(&self) -> Result<Loaded, Fault> {
                Ok(Config::load(&self.0, std::env::vars_os())?)
            }
        }
    };
}

as_args!(ServeFlags, Scope::Serve);
as_args!(RenderFlags, Scope::Render);
