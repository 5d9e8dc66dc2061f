//! The log on standard error.

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::config::{Config, Level, LogFormat};

/// Starts the log. Only this program's own events follow `log_level`: libraries stay at `warn`, because some of them
/// (tokio-postgres, h2) log parameters or headers below it.
pub fn start(config: &Config) {
    let level = match config.log_level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let targets =
        Targets::new().with_default(LevelFilter::WARN.min(level)).with_target("gnuhealth_fhir", level);
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let layer = match config.log {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A second start (tests) keeps the first log.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    std::panic::set_hook(Box::new(panicked));
}

/// Tells where a panic happened. Its text only when it is a literal: a formatted one can hold values of records.
fn panicked(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let text = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(text withheld)");
    tracing::error!(place, text, "a defect of this program: panic");
}
