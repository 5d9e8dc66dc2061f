//! The `gnuhealth-fhir` command.

fn main() -> std::process::ExitCode {
    gnuhealth_fhir::cli::main()
}
