//! Floods by one peer. Here a moment of each, to see that it is refused and that others are served; with
//! the clock, for ten seconds each and against a process of its own, by `make floods`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use tokio::time::Instant;
use tonic::Code;

use super::ask;
use crate::support::caller::{Caller, Told};
use crate::support::flood::{Attack, Target};
use crate::support::pki::{Authority, Leaf, channel, client};
use crate::support::secured::{BACKEND, Secured, TLS, eventually, write_certificates};
use crate::support::site::Site;

/// What another peer may notice at most: issue and threat model.
const P99_MAX: Duration = Duration::from_millis(250);
const GROWTH_MAX_KIB: u64 = 128 * 1024;
const NORMAL_AGAIN: Duration = Duration::from_secs(5);

/// A caller of its own, whose calls are limited apart from the other's.
const FLOOD: &str = "spiffe://bank/flood";

const ATTACK: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moment_of_each_flood_leaves_others_served() {
    let flood = format!(r#"{{ san = "{FLOOD}", permissions = ["read"] }}"#);
    let secured = Secured::start(&flood, &[("listen.public.connections_max", "40")]).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    let connector = client(&secured.root(), Some(&who));
    let hostile = secured.authority.sign(&Leaf::uri(FLOOD));
    let hostile = client(&secured.root(), Some(&hostile));
    let target = Target { address: secured.vault.grpc, connector: hostile, done: Arc::default() };
    let mut standing = Caller::new(secured.channel(&who));
    for attack in Attack::ALL {
        let until = Instant::now() + Duration::from_millis(300);
        attack.run(&target, until).await;
        let told = Told::by(&ask(&mut standing).await);
        assert_eq!(told.reason, "ENROLLMENT_NOT_FOUND", "the same connection, after {attack:?}");
        // A place may be taken until the vault has noticed that its peer is gone.
        eventually("a new connection", async || {
            let mut new = Caller::new(channel(&secured.address(), &connector));
            !super::is_handshake(&ask(&mut new).await)
        })
        .await;
    }
    secured.vault.stop().await;
}

/// One peer has its share of the connections and no more.
#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let secured = Secured::start("", &[("listen.public.connections_per_peer", "3")]).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    let connector = client(&secured.root(), Some(&who));
    let address = secured.address();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut caller = Caller::new(channel(&address, &connector));
        assert_eq!(Told::by(&ask(&mut caller).await).reason, "ENROLLMENT_NOT_FOUND");
        held.push(caller);
    }
    assert!(super::is_handshake(&ask(&mut Caller::new(channel(&address, &connector))).await));
    held.pop();
    eventually("a place comes back", async || {
        !super::is_handshake(&ask(&mut Caller::new(channel(&address, &connector))).await)
    })
    .await;
    secured.vault.stop().await;
}

/// A peer that never finishes its handshake is let go after five seconds.
#[tokio::test]
async fn half_a_handshake_ends_after_five_seconds() {
    use tokio::io::AsyncReadExt as _;
    let secured = Secured::start("", &[]).await;
    let mut stream = tokio::net::TcpStream::connect(secured.vault.grpc).await.unwrap();
    let begun = Instant::now();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "closed without a word: {read:?}");
    let took = begun.elapsed();
    assert!((4..10).contains(&took.as_secs()), "{took:?}");
    secured.vault.stop().await;
}

/// Without file descriptors nothing can be accepted. The vault waits instead of burning a core, and goes
/// on by itself.
#[tokio::test]
async fn out_of_file_descriptors_it_waits_and_comes_back() {
    let (site, authority) = known_backend(&[]).await;
    let server = site.serve(&[]).await;
    let connector =
        client(&site.path("clients-ca.crt"), Some(&authority.sign(&Leaf::uri(BACKEND))));
    let mut standing = Caller::new(channel(server.told("grpc"), &connector));
    assert_eq!(Told::by(&ask(&mut standing).await).reason, "ENROLLMENT_NOT_FOUND");

    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap());
    let few = u64::try_from(open_files(server.id())).unwrap() + 5;
    let limit = Rlimit { current: Some(few), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(pid, Resource::Nofile, limit).unwrap();
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(tokio::net::TcpStream::connect(server.told("grpc")).await.unwrap());
    }
    let failed = || site.log().matches("no connections can be taken").count();
    eventually("it runs out", async || failed() > 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(failed() < 30, "it asked {} times in two seconds", failed());
    assert_eq!(Told::by(&ask(&mut standing).await).reason, "ENROLLMENT_NOT_FOUND");

    drop(held);
    prlimit(pid, Resource::Nofile, before).unwrap();
    eventually("new connections", async || {
        let mut new = Caller::new(channel(server.told("grpc"), &connector));
        !super::is_handshake(&ask(&mut new).await)
    })
    .await;
    server.stop(Signal::TERM).await;
}

/// A site whose settings know the backend, with its keyring.
async fn known_backend(extra: &[(&str, &str)]) -> (Site, Authority) {
    let entry = |san| format!(r#"{{ san = "{san}", permissions = ["read"] }}"#);
    let caller = format!("[{}, {}]", entry(BACKEND), entry(FLOOD));
    let mut settings = TLS.to_vec();
    settings.push(("listen.public.caller", &caller));
    settings.extend(extra);
    let site = Site::start(&settings).await;
    let authority = Authority::root("callers' root");
    write_certificates(&site, &authority);
    site.keys_init().await;
    (site, authority)
}

/// What the other peer saw.
struct Seen {
    calls: usize,
    failed: usize,
    p99: Duration,
    worst: Duration,
}

/// Calls, every other one over a new connection, until told to stop. On a thread of its own, so that it
/// measures the vault and not the attacker.
fn observe(address: String, connector: tokio_rustls::TlsConnector, stop: Arc<AtomicBool>) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut failed = 0;
    let mut took = runtime.block_on(async {
        let standing = Caller::new(channel(&address, &connector));
        let mut took = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            for mut caller in [standing.clone(), Caller::new(channel(&address, &connector))] {
                let begun = Instant::now();
                let status = ask(&mut caller).await;
                took.push(begun.elapsed());
                failed += usize::from(status.code() != Code::NotFound);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        took
    });
    took.sort();
    let at = took.len() * 99 / 100;
    Seen {
        calls: took.len(),
        failed,
        p99: took[at.min(took.len() - 1)],
        worst: *took.last().unwrap(),
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "its table is what it is run for")]
#[ignore = "takes two minutes and wants a quiet machine: make floods"]
async fn ten_seconds_of_each_flood() {
    let (site, authority) = known_backend(&[]).await;
    let server = site.serve(&[]).await;
    let (pid, address) = (server.id(), server.told("grpc").to_owned());
    let connect =
        |uri| client(&site.path("clients-ca.crt"), Some(&authority.sign(&Leaf::uri(uri))));
    let connector = connect(BACKEND);
    let target = Target {
        address: address.parse().unwrap(),
        connector: connect(FLOOD),
        done: Arc::default(),
    };

    println!(
        "{:<14} {:>8} {:>11} {:>6} {:>6} {:>9} {:>9} {:>10} {:>9}",
        "flood", "sent", "connections", "calls", "failed", "p99", "worst", "memory", "normal"
    );
    let mut broken = Vec::new();
    for attack in std::iter::once(None).chain(Attack::ALL.map(Some)) {
        let (memory, files) = (resident_kib(pid), open_files(pid));
        let stop = Arc::new(AtomicBool::new(false));
        let observer = {
            let (address, connector, stop) = (address.clone(), connector.clone(), stop.clone());
            std::thread::spawn(move || observe(address, connector, stop))
        };
        let until = Instant::now() + ATTACK;
        let mut most = memory;
        let watch = async {
            while Instant::now() < until {
                most = most.max(resident_kib(pid));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let run = async {
            if let Some(attack) = attack {
                attack.run(&target, until).await;
            }
        };
        tokio::join!(run, watch);
        stop.store(true, Ordering::Relaxed);
        let seen = observer.join().unwrap();
        let ended = Instant::now();
        while open_files(pid) > files + 8 && ended.elapsed() < 2 * NORMAL_AGAIN {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let normal = ended.elapsed();
        let growth = most.saturating_sub(memory);
        let name = attack.map_or("none".to_owned(), |attack| format!("{attack:?}"));
        println!(
            "{name:<14} {:>4} MiB {:>11} {:>6} {:>6} {:>6} ms {:>6} ms {:>6} MiB {:>6} ms",
            target.done.bytes.swap(0, Ordering::Relaxed) >> 20,
            target.done.connections.swap(0, Ordering::Relaxed),
            seen.calls,
            seen.failed,
            seen.p99.as_millis(),
            seen.worst.as_millis(),
            growth / 1024,
            normal.as_millis()
        );
        if seen.failed > 0 || seen.p99 > P99_MAX || growth > GROWTH_MAX_KIB || normal > NORMAL_AGAIN
        {
            broken.push(name);
        }
    }
    server.stop(Signal::TERM).await;
    assert!(broken.is_empty(), "over the limits: {broken:?}");
}
