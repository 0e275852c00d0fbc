//! The `neoron` command: hands the arguments and the environment over.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    // Variables that are not UTF-8 are not ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    neoron_gateway::main(arguments, environment.collect())
}
