//! Measures the gateway against its limit: PostgreSQL's own speed for the same statements.
//!
//! ```text
//! cargo run --release --example bench -- [--database-url URL] [--connections 16] [--seconds 5]
//! ```
//!
//! The last measurement is of readers who are signed in, in turns with and without others who send wrong passwords: the
//! limits on failed sign-ins are out of the way, so that passwords are checked all the time.
//!
//! Without a URL the demo hospital is started. Gateway, clients and baseline share this process and its processors, so
//! the figures of the gateway are what is left after the clients took their part.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Parser;
use gnuhealth_fhir::{
    config::{self, Given, Origin},
    demo::{
        postgres::{Choice, Server},
        snapshot,
    },
    interaction::{self, Fhir},
    mapping::{self, Compiled, Files},
    plan::{self, Situation},
    search, server,
    sql::Statement,
    store::{self, Class, Store},
    tryton::{Accounts, Catalog, Permit, Rights, SignIn, SignInOptions, WatchOptions},
};
use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_postgres::{NoTls, types::ToSql};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Reads of one patient a second that the predecessor of this gateway answered (Python, on trytond). Measured elsewhere,
/// on the same kind of machine (2 processors); a constant here, not a result of this program.
const PREDECESSOR: f64 = 65.0;

/// Measurements without and with wrong passwords, in turns.
const TURNS: usize = 5;

/// How soon a client that was turned away guesses again.
const TURNED_AWAY: Duration = Duration::from_millis(100);

const HOSPITAL: &[u8] = include_bytes!("../src/demo/hospital-5.0.sql.zst");

#[derive(Parser)]
struct Arguments {
    /// A GNU Health database; without it the demo hospital.
    #[arg(long)]
    database_url: Option<String>,
    /// Clients at once; each keeps its connection.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Length of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Login of the clients.
    #[arg(long, default_value = "doctor")]
    login: String,
    /// Password of the clients.
    #[arg(long, default_value = "doctor-demo")]
    password: String,
    /// Clients that send wrong passwords, in the measurement of that.
    #[arg(long, default_value_t = 32)]
    flood: usize,
    /// Only the measurements whose name holds this text.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Some(url) = arguments.database_url.clone() else {
        let server = Server::start(Choice::default(), None).await?;
        snapshot::load(server.url(), HOSPITAL).await?;
        let result = bench(&arguments, server.url()).await;
        server.stop().await;
        return result;
    };
    bench(&arguments, &url).await
}

/// The gateway, and what the baseline needs to make the same statements.
struct Bench {
    store: Arc<Store>,
    compiled: Arc<Compiled>,
    permit: Permit,
    ids: Arc<Vec<i32>>,
    url: String,
    place: std::net::SocketAddr,
    headers: String,
    connections: usize,
    time: Duration,
}

async fn bench(arguments: &Arguments, url: &str) -> Result<(), Failure> {
    let given = [Given { name: "database_url", text: url.to_owned(), origin: Origin::Flag }];
    let config = config::load(&given, None).map_err(|_| "the settings cannot be read")?.config;
    let options = store::Options {
        url: url.to_owned(),
        database: None,
        connections: config.connections.get(),
        statement_timeout: config.statement_timeout,
        wait: config.queue_timeout,
    };
    let store = Arc::new(Store::open(&options).await?);
    let catalog = Arc::new(Catalog::load(&store).await.map_err(|error| error.to_string())?);
    let options = mapping::Options { site: config.site.as_str().to_owned() };
    let (compiled, _) = mapping::compile(&Files::shipped(), &catalog, &options);
    let compiled = Arc::new(compiled);
    let served = compiled.models().into_iter().map(str::to_owned).collect();
    let rights = Rights::start(Arc::clone(&store), Arc::clone(&catalog), served, WatchOptions::default())
        .await
        .map_err(|error| error.text())?;
    let accounts: Arc<dyn Accounts> = rights.clone();
    let mut limits = SignInOptions::default();
    limits.attempts.per_network = u32::MAX;
    let sign_in = SignIn::open(Arc::clone(&store), accounts, limits).await;
    let options = interaction::Options {
        default_count: config.default_count.get(),
        max_count: config.max_count.get(),
        max_included: config.max_included.get(),
        cors: false,
        passwords: true,
        zone: None,
        page_link_lifetime: config.page_link_lifetime,
        page_link_key: None,
        file_store: None,
        narrative: false,
        queue_timeout: config.queue_timeout,
    };
    let sign_in = sign_in.map_err(|error| error.text())?;
    let gateway = Fhir::new(Arc::clone(&store), Arc::clone(&compiled), Arc::clone(&rights), sign_in, options)
        .map_err(|error| error.text())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let place = listener.local_addr()?;
    let options = server::Options::from(&config);
    tokio::spawn(server::serve(
        listener,
        server::Serving::new(options, Arc::new(gateway)),
        std::future::pending::<()>(),
    ));

    let client = connect(url).await?;
    let user: i32 =
        client.query_one("SELECT id FROM res_user WHERE login = $1", &[&arguments.login]).await?.get(0);
    let rows = client.query("SELECT id FROM gnuhealth_patient WHERE active ORDER BY id", &[]).await?;
    let security = rights.current().map_err(|error| error.text())?;
    let basic = STANDARD.encode(format!("{}:{}", arguments.login, arguments.password));
    let bench = Bench {
        permit: Permit::of(&security, &catalog, user).map_err(|error| error.text())?,
        store,
        compiled,
        ids: Arc::new(rows.iter().map(|row| row.get(0)).collect()),
        url: url.to_owned(),
        place,
        headers: format!("HTTP/1.1\r\nHost: {place}\r\nAuthorization: Basic {basic}\r\n\r\n"),
        connections: arguments.connections,
        time: Duration::from_secs(arguments.seconds),
    };
    println!(
        "{} patients, {} clients, {} sessions, {} s each, {} processors\n",
        bench.ids.len(),
        bench.connections,
        config.connections,
        arguments.seconds,
        std::thread::available_parallelism()?
    );
    println!(
        "{:28} {:>10} {:>9} {:>9} {:>9} {:>11}",
        "", "a second", "p50 ms", "p95 ms", "p99 ms", "statements"
    );
    let measurements = [
        ("read Patient/{id}", "Patient/{id}"),
        ("page of 50 patients", "Patient?_count=50"),
        ("name search", "Patient?name=ma&_count=20"),
        ("observations of a patient", "Observation?patient={id}&code=8867-4&_sort=-date&_count=20"),
        ("page of 50 observations", "Observation?_count=50"),
    ];
    for (name, path) in measurements {
        if arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            let speed = bench.measure(name, path).await?;
            if path.starts_with("Patient/") {
                println!(
                    "{:28} {:>9.0}x (predecessor: {PREDECESSOR} a second, measured elsewhere on the same kind of machine)",
                    "",
                    speed / PREDECESSOR
                );
            }
        }
    }
    let flood = "reads during a flood of wrong passwords";
    if arguments.only.as_ref().is_none_or(|only| flood.contains(only.as_str())) {
        bench.flood(arguments.flood).await?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, Failure> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config.options("-c TimeZone=UTC -c default_transaction_read_only=on -c jit=off");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Bench {
    /// The gateway, then PostgreSQL alone with the same statements; gives the requests a second of the gateway.
    async fn measure(&self, name: &str, path: &str) -> Result<f64, Failure> {
        let before = self.store.statements(Class::Request);
        let (speed, all) = self.requests(path).await?;
        let statements = (self.store.statements(Class::Request) - before) as f64 / all.len() as f64;
        line(name, speed, &all, &format!("{statements:.2}"));

        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        let start = Instant::now();
        for _ in 0..self.connections {
            let client = connect(&self.url).await?;
            let statements: Result<Vec<Statement>, Failure> =
                (0..self.ids.len()).map(|index| self.statement(path, index)).collect();
            let statements = statements?;
            let prepared = client.prepare(&statements[0].text).await?;
            let (next, time) = (Arc::clone(&next), self.time);
            tasks.push(tokio::spawn(async move {
                let mut took = Vec::new();
                while start.elapsed() < time {
                    let statement =
                        &statements[scattered(next.fetch_add(1, Ordering::Relaxed), statements.len())];
                    let values: Vec<&(dyn ToSql + Sync)> =
                        statement.values.iter().map(|value| value as _).collect();
                    let begun = Instant::now();
                    client.query(&prepared, &values).await?;
                    took.push(begun.elapsed());
                }
                Ok::<_, Failure>(took)
            }));
        }
        let (limit, all) = collect(tasks, start).await?;
        line("  PostgreSQL alone", limit, &all, &format!("{:.0} %", 100.0 * speed / limit));
        Ok(speed)
    }

    /// What the gateway answers a second, and how long each answer took.
    async fn requests(&self, path: &str) -> Result<(f64, Vec<Duration>), Failure> {
        // The first request verifies the password, which is slow on purpose.
        let mut client = Client::connect(self.place).await?;
        client.request(&self.request(path, 0)).await?;
        let mut tasks = Vec::new();
        let next = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        for _ in 0..self.connections {
            let mut client = Client::connect(self.place).await?;
            let requests: Vec<String> = (0..self.ids.len()).map(|index| self.request(path, index)).collect();
            let (next, time) = (Arc::clone(&next), self.time);
            tasks.push(tokio::spawn(async move {
                let mut took = Vec::new();
                while start.elapsed() < time {
                    let request = &requests[scattered(next.fetch_add(1, Ordering::Relaxed), requests.len())];
                    let begun = Instant::now();
                    client.request(request).await?;
                    took.push(begun.elapsed());
                }
                Ok::<_, Failure>(took)
            }));
        }
        collect(tasks, start).await
    }

    /// Reads of who is signed in, without and with others who send wrong passwords: in turns, so that other work on the
    /// machine slows both alike. The ratio is the median of those of each turn.
    async fn flood(&self, clients: usize) -> Result<(), Failure> {
        let path = "Patient/{id}";
        let state = Arc::new(Flood::default());
        let mut floods = Vec::new();
        for number in 0..clients {
            floods.push(tokio::spawn(guess(
                number,
                self.place,
                Client::connect(self.place).await?,
                Arc::clone(&state),
            )));
        }
        let (mut speeds, mut all) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let (mut checks, mut flooded) = (0, Duration::ZERO);
        for turn in 0..TURNS {
            // Neither is always the first.
            for flood in [turn % 2 == 0, turn % 2 != 0] {
                state.on.store(flood, Ordering::Relaxed);
                if flood {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                while !flood && state.open.load(Ordering::Relaxed) > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let (before, start) = (state.checked.load(Ordering::Relaxed), Instant::now());
                let (speed, times) = self.requests(path).await?;
                if flood {
                    checks += state.checked.load(Ordering::Relaxed) - before;
                    flooded += start.elapsed();
                }
                speeds[usize::from(flood)].push(speed);
                all[usize::from(flood)].extend(times);
            }
        }
        state.ended.store(true, Ordering::Relaxed);
        for flood in floods {
            flood.await?;
        }
        let mut ratios: Vec<f64> =
            speeds[0].iter().zip(&speeds[1]).map(|(quiet, flood)| flood / quiet).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        all.iter_mut().for_each(|times| times.sort_unstable());
        let mean = |speeds: &[f64]| speeds.iter().sum::<f64>() / TURNS as f64;
        line("read, nobody else", mean(&speeds[0]), &all[0], "");
        line(
            "  while others guess",
            mean(&speeds[1]),
            &all[1],
            &format!("{:.0} %", 100.0 * ratios[TURNS / 2]),
        );
        let percent: Vec<String> = ratios.iter().map(|ratio| format!("{:.0}", 100.0 * ratio)).collect();
        println!(
            "{:28} {clients} clients guess; {:.1} passwords a second are checked, {} were turned away; turns: {} %",
            "",
            checks as f64 / flooded.as_secs_f64(),
            state.refused.load(Ordering::Relaxed),
            percent.join(" ")
        );
        Ok(())
    }

    fn path(&self, path: &str, index: usize) -> String {
        path.replace("{id}", &self.ids[index].to_string())
    }

    fn request(&self, path: &str, index: usize) -> String {
        format!("GET /fhir/{} {}", self.path(path, index), self.headers)
    }

    fn statement(&self, path: &str, index: usize) -> Result<Statement, Failure> {
        let path = self.path(path, index);
        if let Some((kind, id)) = path.split_once('/') {
            let source = &self.compiled.types[kind].sources[0];
            let read = plan::read(source, &source.emits[0], &self.permit, &[]).ok_or("may not be read")?;
            return Ok(read.statement.for_record(id.parse()?));
        }
        let (kind, query) = path.split_once('?').ok_or("neither a read nor a search")?;
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let (request, _) = search::parse(&pairs);
        let situation = Situation {
            compiled: &self.compiled,
            permit: &self.permit,
            languages: &[],
            zone: &TimeZone::UTC,
            now: Timestamp::now(),
            base: "",
            value_sets: &plan::NO_VALUE_SETS,
        };
        let count = request.count.unwrap_or(20);
        let part = plan::Part { kind: &self.compiled.types[kind], filters: &request.filters, first: 0 };
        let page = plan::page(situation, part, &request.sort, None, count);
        Ok(page.map_err(|error| error.text())?.statement)
    }
}

/// Clients that guess passwords.
#[derive(Default)]
struct Flood {
    on: AtomicBool,
    ended: AtomicBool,
    /// Without an answer yet.
    open: AtomicUsize,
    checked: AtomicUsize,
    /// Turned away without a check.
    refused: AtomicUsize,
}

async fn guess(number: usize, place: std::net::SocketAddr, mut client: Client, state: Arc<Flood>) {
    let mut attempt = 0;
    while !state.ended.load(Ordering::Relaxed) {
        if !state.on.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        attempt += 1;
        let basic = STANDARD.encode(format!("flood {number} {attempt}:wrong"));
        let request =
            format!("GET /fhir/Patient/1 HTTP/1.1\r\nHost: {place}\r\nAuthorization: Basic {basic}\r\n\r\n");
        state.open.fetch_add(1, Ordering::Relaxed);
        // Anything but 200 is told as an error.
        let answer = client.request(&request).await.err().map(|error| error.to_string()).unwrap_or_default();
        state.open.fetch_sub(1, Ordering::Relaxed);
        if answer.contains(" 401 ") {
            state.checked.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if answer.starts_with("HTTP/1.1 ") {
            state.refused.fetch_add(1, Ordering::Relaxed);
        } else if let Ok(again) = Client::connect(place).await {
            client = again;
        }
        // Nobody waits as long as the gateway says, but each for a moment.
        tokio::time::sleep(TURNED_AWAY).await;
    }
}

/// Every index once before any comes again, in an order without locality.
fn scattered(number: usize, count: usize) -> usize {
    number.wrapping_mul(7919) % count
}

async fn collect(
    tasks: Vec<tokio::task::JoinHandle<Result<Vec<Duration>, Failure>>>,
    start: Instant,
) -> Result<(f64, Vec<Duration>), Failure> {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    all.sort_unstable();
    Ok((all.len() as f64 / seconds, all))
}

fn line(name: &str, speed: f64, sorted: &[Duration], last: &str) {
    let at = |share: f64| {
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!("{name:28} {speed:>10.0} {:>9.2} {:>9.2} {:>9.2} {last:>11}", at(0.50), at(0.95), at(0.99));
}

/// A keep-alive connection that reads answers with a Content-Length.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(place: std::net::SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 20] })
    }

    async fn request(&mut self, request: &str) -> Result<(), Failure> {
        self.stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        let mut whole = None;
        let mut refusal = None;
        while whole.is_none_or(|whole| filled < whole) {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the gateway closed the connection".into());
            }
            filled += read;
            if whole.is_none()
                && let Some(end) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                let head = std::str::from_utf8(&self.buffer[..end])?;
                if !head.starts_with("HTTP/1.1 200") {
                    refusal = head.lines().next().map(str::to_owned);
                }
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                whole = Some(end + 4 + length.ok_or("no Content-Length")?.parse::<usize>()?);
            }
        }
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}
