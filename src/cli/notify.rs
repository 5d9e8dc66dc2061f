//! What systemd is told (`Type=notify` or `notify-reload`), and the sockets it passes on. Without systemd nothing happens.

use std::{net::TcpListener, time::Duration};

use listenfd::ListenFd;
use sd_notify::NotifyState;

use crate::config::Problem;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

/// Requests are answered.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => {
            tell(&[NotifyState::Reloading, now, NotifyState::Status("reading the configuration again")])
        }
        Err(error) => tracing::warn!(%error, "systemd cannot be told of a reload"),
    }
}

/// Running requests end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("running requests end")]);
}

/// Shows systemd twice in each `WatchdogSec` that tasks still run; completes only when it does not ask for that.
pub async fn watchdog() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep((limit / 2).max(Duration::from_millis(10))).await;
    }
}

/// Sockets that systemd opened: the first in the place of `listen`, the second of `admin_listen`.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For clients.
    pub listen: Option<TcpListener>,
    /// For operators.
    pub admin: Option<TcpListener>,
}

impl Sockets {
    /// Takes them. It changes the environment: to be called before there are threads.
    ///
    /// # Errors
    /// Something else than listening sockets of TCP.
    pub fn inherit() -> Result<Self, Problem> {
        let mut all = ListenFd::from_env();
        if all.len() > 2 {
            return Err(Problem::new(format!(
                "{} sockets were passed on (LISTEN_FDS); expected one for clients and at most one for operators",
                all.len()
            )));
        }
        let mut take = |at: usize| {
            let socket = all.take_tcp_listener(at).and_then(|socket| {
                socket.map(|socket| socket.set_nonblocking(true).map(|()| socket)).transpose()
            });
            socket.map_err(|error| {
                Problem::new(format!("a socket that was passed on cannot be used ({error})"))
            })
        };
        Ok(Self { listen: take(0)?, admin: take(1)? })
    }
}
