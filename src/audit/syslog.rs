//! Messages of the syslog protocol (<https://www.rfc-editor.org/rfc/rfc5424>), one datagram for each: to the socket of this
//! machine, or by UDP.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::Duration,
};

/// Facility 13, "log audit", with severity 5, "notice".
const PRIORITY: u8 = 13 * 8 + 5;
/// How long a receiver may make us wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who takes the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A socket of this machine.
    Socket(PathBuf),
    /// UDP.
    Udp(SocketAddr),
}

pub(super) enum Syslog {
    Socket { path: PathBuf, socket: UnixDatagram },
    Udp(UdpSocket),
}

impl Syslog {
    pub(super) fn open(receiver: &Receiver) -> io::Result<Self> {
        Ok(match receiver {
            Receiver::Socket(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Self::Socket { path: path.clone(), socket }
            }
            Receiver::Udp(address) => {
                let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Self::Udp(socket)
            }
        })
    }

    pub(super) fn send(&mut self, line: &[u8]) -> io::Result<()> {
        let mut message =
            format!("<{PRIORITY}>1 {} - gnuhealth-fhir {} audit - ", now(), std::process::id()).into_bytes();
        message.extend_from_slice(line);
        // By its path each time: the socket is another one when the receiver was started anew.
        let sent = match self {
            Self::Socket { path, socket } => socket.send_to(&message, path)?,
            Self::Udp(socket) => socket.send(&message)?,
        };
        if sent == message.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

fn now() -> String {
    // Six digits of a second at most.
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now).to_string()
}
