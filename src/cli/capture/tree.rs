//! The options of `capture` in clap's tree, for help, man page and completions. Parsing is not clap's here.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::table::{Key, OPTIONS, Opt};

/// Stands in clap's tree for what [`super::run`] reads itself.
#[derive(Clone, Copy, Debug)]
pub struct CaptureArgs;

impl FromArgMatches for CaptureArgs {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

impl Args for CaptureArgs {
    fn augment_args(command: Command) -> Command {
        // clap has these itself: global ones, and help and version.
        let own = |option: &&Opt| !matches!(option.key, Key::Help | Key::Version);
        let told = OPTIONS.iter().filter(own).filter(|option| !option.help.is_empty());
        let expr = Arg::new("expression").value_name("EXPRESSION").num_args(0..);
        told.map(arg)
            .fold(command, Command::arg)
            .arg(expr.help("Which packets: the language of pcap-filter(7), and vxlan, vni N"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(option: &Opt) -> Arg {
    let id = match (option.long, option.short) {
        (Some(long), _) => long.to_owned(),
        (None, short) => short.map(String::from).unwrap_or_default(),
    };
    // clap finds a global option by its name and leaves it to the verb that has its own.
    let mut arg = Arg::new(id).help(option.help).hide_short_help(!option.common);
    if let Some(short) = option.short {
        arg = arg.short(short);
    }
    if let Some(long) = option.long {
        arg = arg.long(long);
    }
    match option.value {
        Some(value) => arg.value_name(value).action(ArgAction::Append),
        None => arg.action(ArgAction::SetTrue),
    }
}
