//! The measurements, one after the other.

use std::time::Duration;

use serde_json::Value;

use crate::{
    Arguments, Failure,
    client::{Client, Target},
    database::Database,
    export,
    gateway::Gateway,
    load::Requests,
    measure::{Bench, median},
    mixed::{self, Pace},
    pgbench::Pgbench,
    process::Process,
    recorder::Recorder,
    report::{self, Fact, Report},
    storm,
    work::{self, Paths, Work},
};

/// Of the links between pages: two processes open them.
const KEY: &str = "links of a measurement, no secret";

/// A page far away may take so much more time than the first.
const DEEP: f64 = 1.2;

const MIB: f64 = (1 << 20) as f64;

/// Measures everything that is wanted.
pub async fn measure(arguments: &Arguments, url: &str, name: &str) -> Result<(), Failure> {
    let mut report = Report::default();
    let (gateway, idle) = start(arguments, url).await?;
    let user = (arguments.login.clone(), arguments.password.clone());
    let target = Target { place: gateway.place, base: "/fhir".to_owned(), user: user.clone() };
    let mut recorder = Recorder::open(url, KEY, user).await?;
    let database = Database::open(url, &recorder.session).await?;
    let hospital = database.hospital().await?;
    let pgbench = Pgbench::find(arguments.pgbench.as_deref());
    let limit = match &pgbench {
        Some(pgbench) => pgbench.version().await?,
        None => "NOT pgbench, which was not found (--pgbench tells where it is), but sessions of tokio-postgres in the process of the clients, which are slower".to_owned(),
    };
    report.about = vec![
        format!("{name} of {} patients; {}", hospital.count, hospital.description),
        format!(
            "{} processors, shared by gateway, PostgreSQL and clients",
            std::thread::available_parallelism()?
        ),
        format!(
            "{} clients, {} sessions of the gateway at most; {} measurements of {} s each",
            arguments.connections, recorder.connections, arguments.rounds, arguments.seconds
        ),
        format!("limit: {limit}"),
    ];
    report.about.iter().for_each(|line| println!("{line}"));
    println!("\n{}", report::head());
    let bench = Bench {
        gateway,
        target,
        database,
        session: recorder.session.clone(),
        pgbench,
        patients: hospital.patients.clone(),
        clients: arguments.connections,
        time: arguments.time(),
        rounds: arguments.rounds,
    };
    // The first request verifies the password, which is slow on purpose.
    Client::connect(bench.target.place).await?.send(&bench.target.request("Patient?_count=1")).await?;
    let works = work::all(&hospital);
    for work in works.iter().filter(|work| arguments.wants(&work.name)) {
        row(&bench, &mut recorder, work.clone(), &mut report).await?;
    }
    let mut told = report.facts.len();
    report.facts.extend(idle);
    if arguments.wants("again") {
        let measured = again(&bench, url, &mut report).await;
        report.unmeasured("again", measured);
    }
    if arguments.wants("pages") {
        let measured = pages(&bench, &mut recorder, &mut report).await;
        report.unmeasured("pages", measured);
    }
    if arguments.wants("stream") {
        let measured = stream(arguments, &bench, &mut recorder, &mut report).await;
        report.unmeasured("stream", measured);
    }
    if arguments.wants("sign-in") {
        let measured = sign_in(arguments, &bench, &recorder, &mut report).await;
        report.unmeasured("sign-in", measured);
    }
    println!();
    report.facts[told..].iter().for_each(|fact| println!("{}", report::fact(fact)));
    told = report.facts.len();
    let Bench { gateway, target, .. } = bench;
    gateway.stop().await;
    let (mixes, soaks) = (arguments.wants("mixed"), arguments.soak_minutes > 0 && arguments.wants("soak"));
    if mixes || soaks {
        // What is asked for again is given from what is kept, as in every hospital.
        let usual = Gateway::start(url, KEY, true).await?;
        let target = Target { place: usual.place, ..target };
        let paths = works.iter().map(|work| work.paths.all(&hospital.patients)).collect();
        let mix = Mix { arguments, process: usual.process(), target, paths };
        if mixes {
            together(&mix, &mut report).await?;
        }
        if soaks {
            soak(&mix, &mut report).await?;
        }
        usual.stop().await;
    }
    report.facts[told..].iter().for_each(|fact| println!("{}", report::fact(fact)));
    match &arguments.report {
        Some(folder) => report.write(folder),
        None => Ok(()),
    }
}

async fn row(bench: &Bench, recorder: &mut Recorder, work: Work, report: &mut Report) -> Result<(), Failure> {
    let name = work.name.clone();
    let measured = async { bench.measure(&bench.prepare(work, recorder).await?).await };
    let measured = measured.await.map(|row| {
        println!("{}", report::line(&row));
        report.rows.push(row);
    });
    report.unmeasured(&name, measured);
    Ok(())
}

/// Starts the gateway as often as there are rounds; the last one stays.
async fn start(arguments: &Arguments, url: &str) -> Result<(Gateway, Vec<Fact>), Failure> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    loop {
        let gateway = Gateway::start(url, KEY, false).await?;
        times.push(gateway.started.as_secs_f64());
        tokio::time::sleep(Duration::from_millis(500)).await;
        memory.push(gateway.process().resident() as f64 / MIB);
        if times.len() < arguments.rounds {
            gateway.stop().await;
            continue;
        }
        let (time, memory) = (median(times), median(memory));
        let facts = vec![
            Fact {
                name: "from the start to the first answer".to_owned(),
                value: format!("{time:.2} s"),
                target: Some(("0.3 s at most".to_owned(), time <= 0.3)),
            },
            Fact {
                name: "memory when idle".to_owned(),
                value: format!("{memory:.0} MiB"),
                target: Some(("40 MiB at most".to_owned(), memory <= 40.0)),
            },
        ];
        return Ok((gateway, facts));
    }
}

/// Reads of patients that were read before, while nothing is written.
async fn again(bench: &Bench, url: &str, report: &mut Report) -> Result<(), Failure> {
    let gateway = Gateway::start(url, KEY, true).await?;
    let target = Target { place: gateway.place, ..bench.target.clone() };
    // As many as a ward has.
    let first = *bench.patients.start();
    let patients = first..=*bench.patients.end().min(&(first + 49));
    let paths = Paths::Patients("Patient/{id}".to_owned()).all(&patients);
    let [kept, read] = [&target, &bench.target].map(|target| Requests::new(target, paths.clone()));
    kept.run(bench.clients, bench.time / 2).await?;
    let mut speeds = Vec::new();
    for _ in 0..bench.rounds {
        let read = read.run(bench.clients, bench.time).await?.rate;
        let kept = kept.run(bench.clients, bench.time).await?;
        speeds.push((kept.rate, kept.rate / read, kept.percentiles));
    }
    gateway.stop().await;
    let of = |value: fn(&(f64, f64, [f64; 3])) -> f64| median(speeds.iter().map(value));
    report.facts.push(Fact {
        name: format!("again: {} patients while nothing is written", paths.len()),
        value: format!(
            "{:.0} a second, {:.1} times as many as when each is read; p50/p95/p99 {:.2}/{:.2}/{:.2} ms",
            of(|speed| speed.0),
            of(|speed| speed.1),
            of(|speed| speed.2[0]),
            of(|speed| speed.2[1]),
            of(|speed| speed.2[2])
        ),
        target: None,
    });
    Ok(())
}

/// The first page of all Observations and one far behind it.
async fn pages(bench: &Bench, recorder: &mut Recorder, report: &mut Report) -> Result<(), Failure> {
    let mut client = Client::connect(bench.target.place).await?;
    let (mut path, mut number) = (work::FIRST.to_owned(), 1);
    while number < work::DEEP {
        let page: Value = serde_json::from_slice(client.send(&bench.target.request(&path)).await?)?;
        let links = page["link"].as_array().ok_or("a page without links")?;
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
        let url = next["url"].as_str().unwrap_or_default();
        path = url.split_once("/fhir/").ok_or("a link to elsewhere")?.1.to_owned();
        number += 1;
    }
    let work = |number: usize, path: &str| Work {
        name: format!("page {number} of all Observations"),
        paths: Paths::Some(vec![path.to_owned()]),
        target: None,
    };
    let begin = report.rows.len();
    row(bench, recorder, work(1, work::FIRST), report).await?;
    row(bench, recorder, work(number, &path), report).await?;
    // In turns: what else the machine does must not make the difference.
    let [first, deep] = [work::FIRST, &path].map(|path| Requests::new(&bench.target, [path.to_owned()]));
    let mut ratios = Vec::new();
    for _ in 0..bench.rounds {
        let first = first.run(1, bench.time / 2).await?;
        ratios.push(deep.run(1, bench.time / 2).await?.percentiles[0] / first.percentiles[0]);
    }
    let ratio = median(ratios);
    let both = report.rows.len() - begin;
    if both == 2 {
        report.facts.push(Fact {
            name: format!("time of page {number} as a multiple of page 1, one client"),
            value: format!("{ratio:.2}"),
            target: Some((format!("{DEEP} at most"), ratio <= DEEP)),
        });
    }
    Ok(())
}

async fn stream(
    arguments: &Arguments,
    bench: &Bench,
    recorder: &mut Recorder,
    report: &mut Report,
) -> Result<(), Failure> {
    let (path, process) = (&arguments.stream, bench.gateway.process());
    let most = bench.time * 20;
    let limits = (arguments.rounds, most);
    let found = export::run(path, &bench.target, &bench.database, process, recorder, limits).await?;
    let [rate, copied] = found.rates;
    let grown = found.memory[0].saturating_sub(found.memory[1]) as f64 / MIB;
    report.facts.extend([
        Fact {
            name: format!("stream of {path} ({} resources) as a share of COPY", found.lines),
            value: format!(
                "{:.2}: {rate:.0} of {copied:.0} a second, {:.0} MB/s",
                found.ratio,
                found.bytes / 1e6
            ),
            target: Some(("0.50 at least".to_owned(), found.ratio >= 0.5)),
        },
        Fact {
            name: "memory that the stream adds".to_owned(),
            value: format!("{grown:.0} MiB"),
            target: Some(("32 MiB at most".to_owned(), grown <= 32.0)),
        },
    ]);
    Ok(())
}

async fn sign_in(
    arguments: &Arguments,
    bench: &Bench,
    recorder: &Recorder,
    report: &mut Report,
) -> Result<(), Failure> {
    let reads = Requests::new(&bench.target, Paths::Patients("Patient/{id}".to_owned()).all(&bench.patients));
    let (mut times, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let time = recorder.sign_in().await?.as_secs_f64() * 1e6;
        // Alone, a read is fastest.
        let read = reads.run(1, bench.time / 2).await?.percentiles[0] * 1e3;
        times.push(time);
        shares.push(100.0 * time / read);
    }
    let share = median(shares);
    report.facts.push(Fact {
        name: "sign-in that is remembered, as a share of a read's time".to_owned(),
        value: format!("{share:.1} % ({:.1} µs)", median(times)),
        target: Some(("5 % at most".to_owned(), share <= 5.0)),
    });
    let both = (bench.clients, arguments.guessing);
    let found = storm::run(&reads, &bench.target, both, (bench.rounds, bench.time)).await?;
    let [quiet, storm] = &found.speeds;
    report.facts.push(Fact {
        name: format!("reads while {} clients guess passwords", arguments.guessing),
        value: format!(
            "{:.0} of {:.0} a second ({:.2}), p95 {:.1} and {:.1} ms; {:.1} passwords a second checked, {} guesses turned away",
            storm.rate, quiet.rate, found.left, storm.percentiles[1], quiet.percentiles[1], found.checked, found.refused
        ),
        target: None,
    });
    Ok(())
}

/// All works mixed, of a gateway with the settings that every hospital begins with.
struct Mix<'a> {
    arguments: &'a Arguments,
    process: Process,
    target: Target,
    /// Requests of each work.
    paths: Vec<Vec<String>>,
}

async fn together(mix: &Mix<'_>, report: &mut Report) -> Result<(), Failure> {
    let Mix { arguments, process, target, paths } = mix;
    let time = Duration::from_secs(arguments.mixed_seconds);
    let found = mixed::run(paths, target, *process, arguments.mixed, time, None).await?;
    let [p50, p95, p99] = found.speed.percentiles;
    report.facts.extend([
        Fact {
            name: format!("{} clients, all works mixed, {} s", arguments.mixed, arguments.mixed_seconds),
            value: format!(
                "{:.0} a second, p50/p95/p99 {p50:.1}/{p95:.1}/{p99:.1} ms, {} sockets",
                found.speed.rate, found.sockets
            ),
            target: None,
        },
        Fact {
            name: "  errors in it".to_owned(),
            value: format!("{}{}", found.errors, found.reason()),
            target: Some(("none".to_owned(), found.errors == 0)),
        },
        grown(found.memory),
    ]);
    Ok(())
}

/// Memory after a warm-up, and at the end.
fn grown(memory: [u64; 2]) -> Fact {
    let [warm, end] = memory.map(|bytes| bytes as f64 / MIB);
    let grown = 100.0 * (end / warm - 1.0);
    Fact {
        name: "  memory that it adds after a quarter of the time".to_owned(),
        value: format!("{grown:.1} % of {warm:.0} MiB"),
        target: Some(("less than 5 %".to_owned(), grown < 5.0)),
    }
}

/// How long the peak is measured, of which a soak asks for half.
const PEAK: Duration = Duration::from_secs(20);
/// Requests of each work of a soak: each answer is known.
const KNOWN: usize = 20;

async fn soak(mix: &Mix<'_>, report: &mut Report) -> Result<(), Failure> {
    let Mix { arguments, process, target, paths } = mix;
    let some = |all: &Vec<String>| {
        let step = all.len().div_ceil(KNOWN);
        all.iter().step_by(step).cloned().collect::<Vec<_>>()
    };
    let (paths, clients): (Vec<_>, _) = (paths.iter().map(some).collect(), arguments.mixed);
    let peak = mixed::run(&paths, target, *process, clients, PEAK, None).await?.speed.rate;
    let pace = Pace::learn(&paths, target, peak / 2.0).await?;
    let minutes = arguments.soak_minutes;
    let time = Duration::from_secs(60 * minutes);
    let found = mixed::run(&paths, target, *process, clients, time, Some(pace)).await?;
    let [p50, p95, p99] = found.speed.percentiles;
    report.facts.extend([
        Fact {
            name: format!("soak: half of the peak of {peak:.0} a second for {minutes} minutes"),
            value: format!(
                "{:.0} answers, {:.0} a second, p50/p95/p99 {p50:.1}/{p95:.1}/{p99:.1} ms",
                found.speed.answers, found.speed.rate
            ),
            target: None,
        },
        Fact {
            name: "  errors and wrong answers in it".to_owned(),
            value: format!("{} and {}{}", found.errors, found.wrong, found.reason()),
            target: Some(("none".to_owned(), found.errors + found.wrong == 0)),
        },
        grown(found.memory),
    ]);
    Ok(())
}
